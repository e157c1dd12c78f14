"""Batch norm as part of the weights before it, as exporters write it: the same function, with fewer layers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.layers import BatchNorm, Conv, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.values import layer_parameters
from models.transforms.transform import Changed, NotApplicableError, Tensors


def fold(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Changed:
    """Puts each batch norm into the convolution or linear layer that it alone reads. Nothing is drawn.

    Raises:
        NotApplicableError: there is no such batch norm, or one whose parameters are seen through views.
    """
    del rng
    readers = Counter(name for operation in architecture.operations for name in operation.inputs)
    by_name = {operation.name: operation for operation in architecture.operations}
    changed = dict(tensors)
    renamed: dict[str, str] = {}
    for operation in architecture.operations:
        source = by_name.get(operation.inputs[0])
        if not isinstance(operation.layer, BatchNorm) or source is None or readers[source.name] > 1:
            continue
        if isinstance(source.layer, Linear | Conv):
            by_name[source.name] = _folded(source, source.layer, operation.layer, changed)
            renamed[operation.name] = source.name
    if not renamed:
        raise NotApplicableError("no batch norm follows a convolution or a linear layer")
    kept = tuple(
        replace(each, inputs=tuple(renamed.get(name, name) for name in each.inputs))
        for each in by_name.values()
        if each.name not in renamed
    )
    used = {parameter.tensor for each in kept for parameter in layer_parameters(each.layer)}
    was_used = {parameter.tensor for each in architecture.operations for parameter in layer_parameters(each.layer)}
    left = {name: array for name, array in changed.items() if name in used or name not in was_used}
    return replace(architecture, operations=kept), left


def _folded(source: Operation, layer: Linear | Conv, norm: BatchNorm, tensors: Tensors) -> Operation:
    """The layer with the norm in its weights, which are written to `tensors`."""
    if any(parameter.views for parameter in (*layer_parameters(layer), *layer_parameters(norm))):
        raise NotApplicableError(f"the parameters of {source.name!r} or of its norm are seen through views")
    weight, mean, variance = (
        tensors[parameter.tensor].astype(np.float64) for parameter in (layer.weight, norm.mean, norm.variance)
    )
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale is not None:
        scale = scale * tensors[norm.scale.tensor]
    shift = np.zeros_like(mean) if norm.shift is None else tensors[norm.shift.tensor].astype(np.float64)
    bias = 0.0 if layer.bias is None else tensors[layer.bias.tensor].astype(np.float64)
    parameter = layer.bias or Parameter(tensor=f"{source.name}.folded_bias")
    tensors[layer.weight.tensor] = (weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))).astype(np.float32)
    tensors[parameter.tensor] = ((bias - mean) * scale + shift).astype(np.float32)
    return replace(source, layer=replace(layer, bias=parameter))
