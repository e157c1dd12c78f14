"""Norms."""

import numpy as np

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer


def batch_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """With running statistics, as networks are used."""
    names = (call.optional(name) for name in ("weight", "bias", "running_mean", "running_var"))
    return writer.write(call, "BatchNormalization", [call.value("input").name, *names], {"epsilon": call.real("eps")})


def batch_statistics(writer: Writer, call: Call) -> tuple[str, ...]:
    """Batch norm without running statistics."""
    raise call.unreadable(
        "it takes mean and variance from the batch, so that the result of a sample depends on others; with"
        " track_running_stats=True it does not"
    )


def group_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """Over runs of channels."""
    return _grouped(writer, call, call.integer("num_groups"))


def instance_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """Over each channel; with running statistics, when used, it is batch norm."""
    if not call.integer("use_input_stats"):
        return batch_norm(writer, call)
    return _grouped(writer, call, call.shape[1])


def layer_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """Over the last axes."""
    inputs = [call.value("input").name, call.optional("weight"), call.optional("bias")]
    attributes = {"axis": -len(call.integers("normalized_shape")), "epsilon": call.real("eps")}
    return writer.write(call, "LayerNormalization", inputs, attributes)


def rms_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """Over the last axes, without taking the mean away; PyTorch's epsilon is that of the number type if left out."""
    epsilon = call.real("eps", float(np.finfo(np.float32).eps))
    source, axes = call.value("input"), len(call.integers("normalized_shape"))
    scale = call.optional("weight") or writer.constant(np.ones(source.shape[-axes:], np.float32))
    return writer.write(call, "RMSNormalization", [source.name, scale], {"axis": -axes, "epsilon": epsilon})


def weight_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """`g v / |v|`, the norm over all axes but one (Salimans and Kingma 2016)."""
    direction, size = call.value("v"), call.value("g")
    kept = call.axis("dim", len(direction.shape))
    axes = writer.integers([axis for axis in range(len(direction.shape)) if axis != kept])
    norm = writer.write(call, "ReduceL2", [direction.name, axes], {"keepdims": 1})
    share = writer.write(call, "Div", [size.name, *norm])
    return (*writer.write(call, "Mul", [direction.name, *share]), *norm)


def _grouped(writer: Writer, call: Call, groups: int) -> tuple[str, ...]:
    inputs = [call.value("input").name, call.optional("weight"), call.optional("bias")]
    attributes = {"num_groups": groups, "epsilon": call.real("eps")}
    return writer.write(call, "GroupNormalization", inputs, attributes)
