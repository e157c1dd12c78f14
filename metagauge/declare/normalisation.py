"""Norms."""

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer


def batch_norm(writer: Writer, call: Call) -> tuple[str, ...]:
    """With running statistics, as networks are used."""
    names = (call.optional(name) for name in ("weight", "bias", "running_mean", "running_var"))
    return writer.write(call, "BatchNormalization", [call.value("input").name, *names], {"epsilon": call.real("eps")})


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


def _grouped(writer: Writer, call: Call, groups: int) -> tuple[str, ...]:
    inputs = [call.value("input").name, call.optional("weight"), call.optional("bias")]
    attributes = {"num_groups": groups, "epsilon": call.real("eps")}
    return writer.write(call, "GroupNormalization", inputs, attributes)
