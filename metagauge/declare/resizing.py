"""Maps resampled to other sizes."""

from collections.abc import Callable

from metagauge.declare.call import Call
from metagauge.declare.writing import Writer

_NEAREST = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
_NEAREST_EXACT = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}


def nearest(*, is_exact: bool) -> Callable[[Writer, Call], tuple[str, ...]]:
    """The nearest position; PyTorch's usual one is rounded down, its exact one to the middle of the pixels."""
    attributes = _NEAREST_EXACT if is_exact else _NEAREST
    return lambda writer, call: _resized(writer, call, {"mode": "nearest", **attributes})


def interpolated(mode: str) -> Callable[[Writer, Call], tuple[str, ...]]:
    """Between positions, by lines or by cubes."""

    def written(writer: Writer, call: Call) -> tuple[str, ...]:
        coordinates = "align_corners" if call.integer("align_corners") else "half_pixel"
        attributes: dict[str, int | float | str] = {"mode": mode, "coordinate_transformation_mode": coordinates}
        if mode == "cubic":
            attributes["cubic_coeff_a"] = -0.75
        return _resized(writer, call, attributes)

    return written


def grid_sample(writer: Writer, call: Call) -> tuple[str, ...]:
    """Read at positions that are values themselves."""
    attributes: dict[str, int | str] = {
        "mode": ("linear", "nearest", "cubic")[call.integer("interpolation_mode")],
        "padding_mode": ("zeros", "border", "reflection")[call.integer("padding_mode")],
        "align_corners": call.integer("align_corners"),
    }
    return writer.write(call, "GridSample", [call.value("input").name, call.value("grid").name], attributes)


def _resized(writer: Writer, call: Call, attributes: dict[str, int | float | str]) -> tuple[str, ...]:
    source = call.value("input").name
    factors = call.arguments["scale_factors"]
    if factors is None:
        return writer.write(call, "Resize", [source, "", "", writer.integers(call.shape)], attributes)
    if not isinstance(factors, tuple):
        raise call.unreadable("its scale_factors are no fixed numbers")
    # Where sizes do not divide, positions go by the factors and not by the sizes.
    scales = [float(each) for each in factors if isinstance(each, int | float)]
    return writer.write(call, "Resize", [source, "", writer.numbers([1.0, 1.0, *scales])], attributes)
