"""Every layer with tensors of its own, as it computes with them: what other transforms ask of a network."""

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.layers import Layer, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import apply_view
from models.transforms.transform import Changed, Tensors


def untied(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> Changed:
    """The same function without views and without tensors that two layers share.

    Only the tensors that layers compute with are kept. Those that are seen as they are, by one layer, stay the same
    arrays under their names.

    Raises:
        ArchitectureMismatchError: a view does not fit its tensor.
    """
    own: Tensors = {}
    operations = tuple(
        replace(operation, layer=_untied(operation.layer, operation.name, tensors, own))
        for operation in architecture.operations
    )
    return replace(architecture, operations=operations), own


def _untied(layer: Layer, name: str, tensors: Mapping[str, np.ndarray], own: Tensors) -> Layer:
    changes: dict[str, Parameter | Layer] = {}
    for part in fields(layer):
        value = getattr(layer, part.name)
        if isinstance(value, Parameter):
            changes[part.name] = _own(value, f"{name}.{part.name}", tensors, own)
        elif isinstance(value, Linear):
            changes[part.name] = _untied(value, f"{name}.{part.name}", tensors, own)
    return replace(layer, **changes)  # pyright: ignore[reportArgumentType]


def _own(parameter: Parameter, name: str, tensors: Mapping[str, np.ndarray], own: Tensors) -> Parameter:
    array = tensors[parameter.tensor]
    for view in parameter.views:
        array = apply_view(array, view, parameter.tensor)
    if not parameter.views and parameter.tensor not in own:
        name = parameter.tensor
    while name in own or (name in tensors and name != parameter.tensor):
        name += "'"
    own[name] = array
    return Parameter(tensor=name)
