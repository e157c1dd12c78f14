"""Operators of ours and of ONNX that compute the same, with inputs to show it."""

from dataclasses import dataclass, field

import numpy as np

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Our operator and ONNX's; `extra` are inputs that only ONNX's has."""

    operator: Operator
    onnx: str
    inputs: tuple[np.ndarray, ...]
    extra: tuple[np.ndarray | None, ...] = ()
    attributes: dict[str, object] = field(default_factory=dict)
    numpy: bool = True


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def integers(*shape: int, low: int = -9, high: int = 10) -> np.ndarray:
    return np.random.default_rng(shape).integers(low, high, shape)


def scalar(number: float) -> np.ndarray:
    return np.array(number, dtype=np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


X = 3 * random(4, 5)
UNIT = np.tanh(random(4, 5))
POSITIVE = np.abs(random(4, 5)) + 1.1
ODD = np.array([-np.inf, np.inf, np.nan, 0, -2.5, 2.5, 0.5], dtype=np.float32)

UNARY = {
    "relu": ("Relu", X, {}),
    "selu": ("Selu", X, {}),
    "gelu": ("Gelu", X, {}),
    "gelu_tanh": ("Gelu", X, {"approximate": "tanh"}),
    "mish": ("Mish", X, {}),
    "softplus": ("Softplus", X, {}),
    "softsign": ("Softsign", X, {}),
    "hardswish": ("HardSwish", X, {}),
    "tanh": ("Tanh", X, {}),
    "sigmoid": ("Sigmoid", X, {}),
    "erf": ("Erf", X, {}),
    "exp": ("Exp", X, {}),
    "log": ("Log", POSITIVE, {}),
    "sqrt": ("Sqrt", POSITIVE, {}),
    "reciprocal": ("Reciprocal", X, {}),
    "negate": ("Neg", X, {}),
    "absolute": ("Abs", X, {}),
    "sign": ("Sign", ODD[3:], {}),
    "floor": ("Floor", ODD, {}),
    "ceil": ("Ceil", ODD, {}),
    "round": ("Round", ODD, {}),
    "sin": ("Sin", X, {}),
    "cos": ("Cos", X, {}),
    "tan": ("Tan", UNIT, {}),
    "asin": ("Asin", UNIT, {}),
    "acos": ("Acos", UNIT, {}),
    "atan": ("Atan", X, {}),
    "sinh": ("Sinh", X, {}),
    "cosh": ("Cosh", X, {}),
    "asinh": ("Asinh", X, {}),
    "acosh": ("Acosh", POSITIVE, {}),
    "atanh": ("Atanh", UNIT, {}),
    "not": ("Not", X > 0, {}),
    "is_nan": ("IsNaN", ODD, {}),
    "is_infinite": ("IsInf", ODD, {}),
}
PARAMETRIC = {
    "leaky_relu": Case(
        operator=Unary(function="leaky_relu", alpha=0.2), onnx="LeakyRelu", inputs=(X,), attributes={"alpha": 0.2}
    ),
    "elu": Case(operator=Unary(function="elu", alpha=0.7), onnx="Elu", inputs=(X,), attributes={"alpha": 0.7}),
    "celu": Case(operator=Unary(function="celu", alpha=0.7), onnx="Celu", inputs=(X,), attributes={"alpha": 0.7}),
    "hardsigmoid": Case(
        operator=Unary(function="hardsigmoid", alpha=0.3, beta=0.4),
        onnx="HardSigmoid",
        inputs=(X,),
        attributes={"alpha": 0.3, "beta": 0.4},
    ),
    "thresholded_relu": Case(
        operator=Unary(function="thresholded_relu", alpha=0.7),
        onnx="ThresholdedRelu",
        inputs=(X,),
        attributes={"alpha": 0.7},
    ),
    "shrink": Case(
        operator=Unary(function="shrink", alpha=0.7, beta=0.2),
        onnx="Shrink",
        inputs=(X,),
        attributes={"lambd": 0.7, "bias": 0.2},
    ),
    "clip": Case(
        operator=Unary(function="clip", alpha=-1.0, beta=2.0),
        onnx="Clip",
        inputs=(X,),
        extra=(scalar(-1), scalar(2)),
    ),
    "power": Case(operator=Unary(function="power", alpha=1.7), onnx="Pow", inputs=(POSITIVE,), extra=(scalar(1.7),)),
    "affine_add": Case(
        operator=Unary(function="affine", alpha=1.0, beta=0.3), onnx="Add", inputs=(X,), extra=(scalar(0.3),)
    ),
    "affine_multiply": Case(
        operator=Unary(function="affine", alpha=0.3), onnx="Mul", inputs=(X,), extra=(scalar(0.3),)
    ),
    "power_of_integers": Case(
        operator=Unary(function="power", alpha=3.0), onnx="Pow", inputs=(integers(4),), extra=(whole(3),)
    ),
    "softmax": Case(operator=Softmax(axis=0), onnx="Softmax", inputs=(X,), attributes={"axis": 0}),
    "log_softmax": Case(
        operator=Softmax(axis=1, logarithm=True), onnx="LogSoftmax", inputs=(X,), attributes={"axis": 1}
    ),
    "cast_to_int": Case(operator=Cast(numbers="int"), onnx="Cast", inputs=(X,), attributes={"to": 7}),
    "cast_to_bool": Case(operator=Cast(numbers="bool"), onnx="Cast", inputs=(integers(3, 4),), attributes={"to": 9}),
    "cast_to_float": Case(operator=Cast(numbers="float"), onnx="Cast", inputs=(X > 0,), attributes={"to": 1}),
}
BINARY = {
    "add": ("Add", X, random(5), {}),
    "subtract": ("Sub", X, random(4, 1), {}),
    "multiply": ("Mul", X, random(3, 1, 5), {}),
    "divide": ("Div", X, random(5), {}),
    "power": ("Pow", POSITIVE, X, {}),
    "minimum": ("Min", X, random(5), {}),
    "maximum": ("Max", X, random(5), {}),
    "modulo": ("Mod", integers(4, 5), integers(5, low=1), {}),
    "remainder": ("Mod", X, POSITIVE, {"fmod": 1}),
    "prelu": ("PRelu", X, random(5), {}),
    "equal": ("Equal", integers(4, 5), integers(5), {}),
    "less": ("Less", X, random(5), {}),
    "less_equal": ("LessOrEqual", integers(4, 5), integers(5), {}),
    "greater": ("Greater", X, random(5), {}),
    "greater_equal": ("GreaterOrEqual", integers(4, 5), integers(5), {}),
    "and": ("And", X > 0, random(5) > 0, {}),
    "or": ("Or", X > 0, random(5) > 0, {}),
    "xor": ("Xor", X > 0, random(5) > 0, {}),
}
DEEP = random(2, 3, 4)
REDUCE = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "product": "ReduceProd",
    "l1": "ReduceL1",
    "l2": "ReduceL2",
    "sum_square": "ReduceSumSquare",
    "log_sum": "ReduceLogSum",
    "log_sum_exp": "ReduceLogSumExp",
}
MOVED = {
    "reshape": Case(operator=Reshape(shape=(4, 6)), onnx="Reshape", inputs=(DEEP,), extra=(whole(4, -1),)),
    "transpose": Case(
        operator=Transpose(axes=(2, 0, 1)), onnx="Transpose", inputs=(DEEP,), attributes={"perm": [2, 0, 1]}
    ),
    "slice": Case(
        operator=Slice(axis=2, start=1, count=2, step=2),
        onnx="Slice",
        inputs=(DEEP,),
        extra=(whole(1), whole(9), whole(2), whole(2)),
    ),
    "slice_backwards": Case(
        operator=Slice(axis=1, start=2, count=3, step=-1),
        onnx="Slice",
        inputs=(DEEP,),
        extra=(whole(-1), whole(-9), whole(1), whole(-1)),
    ),
    "expand": Case(
        operator=Expand(shape=(2, 2, 3, 4)), onnx="Expand", inputs=(random(2, 1, 4),), extra=(whole(2, 2, 3, 4),)
    ),
    "concat": Case(operator=Concat(axis=1), onnx="Concat", inputs=(DEEP, random(2, 1, 4)), attributes={"axis": 1}),
    "pad": Case(
        operator=Pad(widths=((0, 1), (-1, 2), (1, -1)), value=0.5),
        onnx="Pad",
        inputs=(DEEP,),
        extra=(whole(0, -1, 1, 1, 2, -1), scalar(0.5)),
    ),
    **{
        f"pad_{mode}": Case(
            operator=Pad(widths=((0, 0), (1, 2), (3, 1)), mode=mode),
            onnx="Pad",
            inputs=(DEEP,),
            extra=(whole(0, 1, 3, 0, 2, 1),),
            attributes={"mode": mode},
        )
        for mode in ("reflect", "edge", "wrap")
    },
    "triangle_lower": Case(
        operator=Triangle(upper=False, diagonal=-1),
        onnx="Trilu",
        inputs=(DEEP,),
        extra=(np.array(-1),),
        attributes={"upper": 0},
    ),
    "triangle_upper": Case(
        operator=Triangle(upper=True, diagonal=1), onnx="Trilu", inputs=(DEEP,), extra=(np.array(1),)
    ),
    "where": Case(operator=Where(), onnx="Where", inputs=(X > 0, X, random(5))),
    "local_norm": Case(
        operator=LocalNorm(size=5, alpha=0.5, beta=0.6, bias=1.2),
        onnx="LRN",
        inputs=(random(1, 7, 3, 3),),
        attributes={"size": 5, "alpha": 0.5, "beta": 0.6, "bias": 1.2},
        numpy=False,
    ),
    "standardise": Case(
        operator=Standardise(axes=(2,), epsilon=1e-3),
        onnx="LayerNormalization",
        inputs=(DEEP,),
        extra=(np.ones(4, np.float32),),
        attributes={"epsilon": 1e-3},
    ),
    "standardise_channels": Case(
        operator=Standardise(axes=(2,), epsilon=1e-3),
        onnx="InstanceNormalization",
        inputs=(DEEP,),
        extra=(np.ones(3, np.float32), np.zeros(3, np.float32)),
        attributes={"epsilon": 1e-3},
    ),
    "accumulate": Case(operator=Accumulate(axis=1), onnx="CumSum", inputs=(DEEP,), extra=(np.array(1),)),
    "accumulate_backwards": Case(
        operator=Accumulate(axis=1, exclusive=True, reverse=True),
        onnx="CumSum",
        inputs=(DEEP,),
        extra=(np.array(1),),
        attributes={"exclusive": 1, "reverse": 1},
    ),
    "extreme": Case(
        operator=Extreme(axis=1), onnx="ArgMax", inputs=(integers(4, 9, low=0, high=3),), attributes={"axis": 1}
    ),
    "extreme_smallest": Case(
        operator=Extreme(axis=0, largest=False, keep=False),
        onnx="ArgMin",
        inputs=(integers(9, 4, low=0, high=3),),
        attributes={"axis": 0, "keepdims": 0},
    ),
}
TABLE = random(6, 4)
INDEXED = {
    "gather": Case(operator=Gather(axis=0), onnx="Gather", inputs=(TABLE, whole(5, -6, 2).reshape(3, 1))),
    "gather_columns": Case(
        operator=Gather(axis=1), onnx="Gather", inputs=(TABLE, np.array(-1)), attributes={"axis": 1}
    ),
    "gather_elements": Case(
        operator=GatherElements(axis=1),
        onnx="GatherElements",
        inputs=(TABLE, integers(3, 2, low=-4, high=4)),
        attributes={"axis": 1},
    ),
    "gather_nd": Case(operator=GatherND(), onnx="GatherND", inputs=(TABLE, whole(5, -1, 0, 2).reshape(2, 2))),
    "gather_nd_rows": Case(operator=GatherND(), onnx="GatherND", inputs=(TABLE, whole(5, 0).reshape(2, 1))),
    "gather_nd_batched": Case(
        operator=GatherND(batch_axes=1),
        onnx="GatherND",
        inputs=(DEEP, integers(2, 5, 1, low=0, high=3)),
        attributes={"batch_dims": 1},
    ),
    "scatter_elements": Case(
        operator=ScatterElements(axis=0),
        onnx="ScatterElements",
        inputs=(TABLE, whole(1, 0, -1, 2).reshape(2, 2), random(2, 2)),
    ),
    "scatter_nd": Case(operator=ScatterND(), onnx="ScatterND", inputs=(TABLE, whole(4, 1).reshape(2, 1), random(2, 4))),
    "one_hot": Case(
        operator=OneHot(axis=1, depth=4, on=2.5, off=-1.0),
        onnx="OneHot",
        inputs=(whole(0, -1, 3, 7).reshape(2, 2),),
        extra=(np.array(4), np.array([-1.0, 2.5], np.float32)),
        attributes={"axis": 1},
    ),
    "one_hot_whole": Case(
        operator=OneHot(axis=-1, depth=4),
        onnx="OneHot",
        inputs=(whole(0, -1, 3, 7),),
        extra=(np.array(4), whole(0, 1)),
    ),
    **{
        f"scatter_elements_{ours}": Case(
            operator=ScatterElements(axis=0, reduction=ours),
            onnx="ScatterElements",
            inputs=(TABLE, whole(1, 1, 1, 0, 0, 2).reshape(3, 2), random(3, 2)),
            attributes={"reduction": theirs},
        )
        for ours, theirs in (("add", "add"), ("multiply", "mul"), ("maximum", "max"), ("minimum", "min"))
    },
    **{
        f"scatter_nd_{ours}": Case(
            operator=ScatterND(reduction=ours),
            onnx="ScatterND",
            inputs=(TABLE, whole(1, 1, -1).reshape(3, 1), random(3, 4)),
            attributes={"reduction": theirs},
        )
        for ours, theirs in (("add", "add"), ("multiply", "mul"), ("maximum", "max"), ("minimum", "min"))
    },
}
CONTRACTED = {
    equation: Case(
        operator=Contract(equation=equation),
        onnx="Einsum",
        inputs=tuple(random(*shape) for shape in shapes),
        attributes={"equation": equation},
    )
    for equation, shapes in {
        "ij,jk->ik": ((3, 4), (4, 5)),
        "bhqd,bhkd->bhqk": ((1, 2, 3, 4), (1, 2, 5, 4)),
        "ab,ab->": ((3, 4), (3, 4)),
        "aB->Ba": ((3, 4),),
        "i,j,k->ikj": ((2,), (3,), (4,)),
    }.items()
}


def all_cases() -> dict[str, Case]:
    unary = {
        name: Case(operator=Unary(function=name), onnx=onnx, inputs=(x,), attributes=attributes)
        for name, (onnx, x, attributes) in UNARY.items()
    }
    binary = {
        name: Case(operator=Binary(function=name), onnx=onnx, inputs=(left, right), attributes=attributes)
        for name, (onnx, left, right, attributes) in BINARY.items()
    }
    reduce = {
        f"reduce_{name}_{keep}": Case(
            operator=Reduce(function=name, axes=(0, 2), keep=keep),
            onnx=onnx,
            inputs=(np.abs(DEEP) + 0.1,),
            extra=(whole(0, -1),),
            attributes={"keepdims": int(keep)},
        )
        for name, onnx in REDUCE.items()
        for keep in (True, False)
    }
    whole_numbers = {
        f"integer_{name}": Case(
            operator=Binary(function=name), onnx=onnx, inputs=(integers(4, 5), integers(5, low=1, high=4))
        )
        for name, onnx in (("add", "Add"), ("multiply", "Mul"), ("divide", "Div"), ("power", "Pow"))
    }
    return {
        **unary,
        **{f"binary_{name}": case for name, case in binary.items()},
        **reduce,
        **whole_numbers,
        **PARAMETRIC,
        **MOVED,
        **INDEXED,
        **CONTRACTED,
    }
