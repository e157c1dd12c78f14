"""What configurations of image networks have in common: stages of blocks, and the size of the image."""

from dataclasses import dataclass

from metagauge.architecture.templates.settings import Settings
from metagauge.errors import StructureNotInferableError

BLOCKS = 4096
"""Blocks of one network."""
_SIDE = 4096
"""Pixels of an image's side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Consecutive blocks of one width."""

    number: int
    depth: int
    width: int


def stages(settings: Settings) -> tuple[Stage, ...]:
    """The stages that `depths` and `hidden_sizes` describe.

    Raises:
        StructureNotInferableError: they do not go together, or there are too many blocks.
    """
    depths, widths = settings.integers("$depths"), settings.integers("$hidden_sizes")
    if len(depths) != len(widths) or not depths:
        message = f"config.json: depths {depths[:8]} and hidden_sizes {widths[:8]}"
        raise StructureNotInferableError(f"{message} do not describe the same stages")
    check_blocks(depths)
    return tuple(
        Stage(number=number, depth=depth, width=width)
        for number, (depth, width) in enumerate(zip(depths, widths, strict=True))
    )


def check_blocks(depths: list[int]) -> None:
    """Bounds how many blocks a configuration can ask for.

    Raises:
        StructureNotInferableError: it asks for too many, or for a negative number.
    """
    if min(depths, default=0) < 0 or sum(depths) > BLOCKS:
        raise StructureNotInferableError(f"config.json describes {sum(depths)} blocks; between 0 and {BLOCKS} are read")


def sample_shape(settings: Settings, side: int) -> tuple[int, int, int]:
    """(channels, height, width) of a square image whose size the configuration leaves open."""
    settings.choose(f"an image of {side} by {side}")
    return image_shape(settings, side)


def image_shape(settings: Settings, side: int) -> tuple[int, int, int]:
    """(channels, height, width) of a square image."""
    channels = settings.integer("$num_channels")
    if not (0 < side <= _SIDE and 0 < channels <= _SIDE):
        message = f"config.json: images of {channels} channels and {side} by {side} pixels"
        raise StructureNotInferableError(f"{message}; between 1 and {_SIDE} are read")
    return channels, side, side
