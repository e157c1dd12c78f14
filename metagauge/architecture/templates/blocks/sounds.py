"""Sounds: spectrograms, waveforms, and the convolutions that listen to them."""

from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.errors import StructureNotInferableError

_FRAMES = 1 << 20


def features(drawing: Drawing, step: Step) -> None:
    """`{ features = NAME, channels = COUNT, frames = COUNT, factor = N }`: a spectrogram (1, channels, frames)."""
    channels, frames = step.integer("channels"), step.integer("frames") * step.integer("factor", 1)
    if not 0 < channels <= _FRAMES or not 0 < frames <= _FRAMES:
        raise StructureNotInferableError(f"config.json: a sound of {channels} channels and {frames} frames")
    drawing.value = drawing.sketch.given(step.target, (1, channels, frames))
