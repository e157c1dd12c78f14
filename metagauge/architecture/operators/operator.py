"""All operator kinds of a dataflow."""

from typing import Annotated

from pydantic import Field

from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Constant, Given, Weight

Operator = Annotated[
    Given
    | Weight
    | Constant
    | Unary
    | Binary
    | Where
    | Cast
    | Requantise
    | Unpack
    | Contract
    | Convolve
    | Reduce
    | Softmax
    | Standardise
    | LocalNorm
    | WindowPool
    | Accumulate
    | Extreme
    | TopK
    | Reshape
    | Transpose
    | Slice
    | Expand
    | Concat
    | Pad
    | Resize
    | Gather
    | GatherElements
    | GatherND
    | ScatterElements
    | ScatterND
    | OneHot
    | Triangle
    | Sample
    | Recurrent
    | Choose
    | Carry
    | Opaque,
    Field(discriminator="kind"),
]
