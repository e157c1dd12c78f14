"""The sizes of the one sample that a template is written for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Sizes that are the caller's to choose: the network works for others too, and its weights do not depend on them.

    Where a configuration fixes a size (the image of a ViT with a table of positions), that one is taken instead.
    """

    tokens: int = 7
    """Tokens of the text, or of the encoder's."""
    decoder_tokens: int = 5
    """Tokens of the decoder's text."""
    image: int = 64
    """Height and width of an image, in pixels."""
    audio: int = 1600
    """Samples of a waveform: a tenth of a second at 16 kHz."""
