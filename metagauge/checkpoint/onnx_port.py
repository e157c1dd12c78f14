"""What an ONNX graph says of its inputs and outputs."""

from onnx import ValueInfoProto

from metagauge.checkpoint.onnx_tensor import DTYPES
from metagauge.checkpoint.program import Port


def port(value: ValueInfoProto) -> Port:
    """Name, shape and dtype of an input or output, as far as the file states them."""
    tensor = value.type.tensor_type
    dtype = DTYPES.get(tensor.elem_type, "")
    if not tensor.HasField("shape"):
        return Port(name=value.name, shape=None, dtype=dtype)
    sizes = (dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in tensor.shape.dim)
    symbols = tuple(dim.dim_param for dim in tensor.shape.dim)
    return Port(name=value.name, shape=tuple(sizes), dtype=dtype, symbols=symbols)
