"""What a layer is beside its weights: the numbers and names that it is made with."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from metagauge.architecture.layers import Conv, Layer, Linear
from metagauge.architecture.parameter import Parameter
from metagauge.contract import Setting

_USUAL: Mapping[str, int] = {"stride": 1, "dilation": 1, "padding": 0, "slope": 0, "count_padding": 1, "causal": 0}
"""Values that a person need not read."""


def settings(layer: Layer, shapes: Sequence[tuple[int, ...]]) -> dict[str, Setting]:
    """The fields of `layer` that are no parameters, by name; of a convolution its kernel too.

    `shapes` are those of the layer's parameters, as `layer_parameters` orders them.
    """
    found: dict[str, Setting] = {"kernel": tuple(shapes[0][2:])} if isinstance(layer, Conv) else {}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if field.name != "kind" and value is not None and not isinstance(value, Parameter | Linear):
            found[field.name] = value
    return found


def settings_text(found: Mapping[str, Setting]) -> str:
    """Such as `kernel 3x3, stride 2, padding 1`; what is the same on every axis is said once, and no usual values."""
    usual = {**_USUAL, "groups": 1} if "kernel" in found else _USUAL
    return ", ".join(
        _phrase(name, value)
        for name, value in found.items()
        if name not in usual or any(each != usual[name] for each in _numbers(value))
    )


def _phrase(name: str, value: Setting) -> str:
    match name, value:
        case "count_padding", _:
            return "padding not counted"
        case _, bool():
            return name
        case (("function" | "reduction"), _):
            return str(value)
        case _, float():
            return f"{name} {value:g}"
        case _, tuple():
            parts = [_extent(each) for each in value]
            return f"{name} {parts[0] if len(set(parts)) == 1 and name != 'kernel' else 'x'.join(parts)}"
        case _:
            return f"{name} {value}"


def _extent(value: int | tuple[int, int]) -> str:
    """One axis: a size, or what is added before and after where these differ."""
    if not isinstance(value, tuple):
        return str(value)
    before, after = value
    return str(before) if before == after else f"{before}:{after}"


def _numbers(value: Setting) -> list[int | float | str]:
    if not isinstance(value, tuple):
        return [value]
    return [number for each in value for number in (each if isinstance(each, tuple) else (each,))]
