"""Sounds: spectrograms, waveforms, and the convolutions that listen to them."""

from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_FRAMES = 1 << 20
_GROUP_NORM_EPSILON = 1e-5
"""torch.nn.GroupNorm's."""


def features(drawing: Drawing, step: Step) -> None:
    """`{ features = NAME, channels = COUNT, frames = COUNT, factor = N }`: a spectrogram (1, channels, frames)."""
    channels, frames = step.integer("channels"), step.integer("frames") * step.integer("factor", 1)
    if not 0 < channels <= _FRAMES or not 0 < frames <= _FRAMES:
        raise StructureNotInferableError(f"config.json: a sound of {channels} channels and {frames} frames")
    drawing.value = drawing.sketch.given(step.target, (1, channels, frames))


def waveform(drawing: Drawing, step: Step) -> None:
    """`{ waveform = NAME }`: a sound (1, samples), which becomes (1, 1, samples)."""
    drawing.settings.choose(f"a sound of {drawing.sample.audio} samples")
    given = drawing.sketch.given(step.target, (1, drawing.sample.audio))
    drawing.value = drawing.sketch.reshape(given, (1, 1, drawing.sample.audio))


def instance_norm(drawing: Drawing, step: Step) -> None:
    """`{ instance_norm = NAME }`: each channel over time by itself (a group norm with a group for each channel)."""
    scale, shift, value = (
        drawing.weight(f"{step.target}.weight"),
        drawing.weight(f"{step.target}.bias"),
        drawing.current,
    )
    if scale.shape != value.shape[1:2] or shift.shape != scale.shape:
        raise ArchitectureMismatchError(f"{step.target} has {list(scale.shape)} scales for {value.shape[1]} channels")
    inputs = (value, scale, shift)
    drawing.value = drawing.sketch.operator("InstanceNormalization", value.shape, *inputs, epsilon=_GROUP_NORM_EPSILON)


def places_by_convolution(drawing: Drawing, step: Step) -> None:
    """`{ places_by_convolution = NAME }`: a wide convolution over the tokens, often weight-normalised."""
    sketch, name = drawing.sketch, step.target
    weight = drawing.optional(f"{name}.weight")
    if weight is None:
        directions, lengths = drawing.weight(f"{name}.weight_v"), drawing.weight(f"{name}.weight_g")
        norm = sketch.reduce("ReduceL2", directions, (0, 1), keep=True)
        weight = sketch.multiply(directions, sketch.elementwise("Div", lengths, norm))
    channels_first = sketch.transpose(drawing.current, (0, 2, 1))
    bias = drawing.optional(f"{name}.bias")
    maps = sketch.convolve(channels_first, weight, bias, padding=weight.shape[-1] // 2)
    same = sketch.slice(maps, 2, 0, channels_first.shape[2])
    drawing.value = sketch.transpose(same, (0, 2, 1))
