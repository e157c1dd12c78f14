"""What converters of scikit-learn put around a network (ai.onnx.ml): scaling in front, labels behind.

Trees and classical classifiers are not followed: what they have learned is no weight.
"""

import numpy as np

from metagauge.architecture.attributes import real, reals, text
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat
from metagauge.architecture.operators.reduction import Reduce, ReduceFunction
from metagauge.architecture.tracing.arithmetic import binary, unary, where
from metagauge.architecture.tracing.quantisation import as_float
from metagauge.architecture.tracing.reshaping import reshaped
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_DOMAIN = "ai.onnx.ml"


def scaler(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Scaler: `(x - offset) * scale`."""
    x = as_float(tracing, required(inputs, 0))
    less = binary(tracing, "subtract", x, _row(node, "offset", 0.0))
    return binary(tracing, "multiply", less, _row(node, "scale", 1.0))


def _row(node: Node, name: str, default: float) -> Numbers:
    numbers = np.array(reals(node, name) or (default,), dtype=np.float32)
    return Numbers(array=numbers.reshape(()) if numbers.size == 1 else numbers)


def normalizer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Normalizer: each row divided by its largest element, the sum of its sizes, or its length."""
    x = as_float(tracing, required(inputs, 0))
    norm = text(node, "norm", "MAX").upper()
    functions: dict[str, ReduceFunction] = {"MAX": "max", "L1": "l1", "L2": "l2"}
    if norm not in functions:
        raise StructureNotInferableError(f"normalises by {norm}")
    function = functions[norm]
    return binary(tracing, "divide", x, tracing.apply(Reduce(function=function, axes=(len(shape_of(x)) - 1,)), x))


def imputer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Imputer: other numbers in the place of one, or of what is no number."""
    x, wanted = required(inputs, 0), real(node, "replaced_value_float", 0.0)
    others = _row(node, "imputed_value_floats", 0.0)
    if np.isnan(wanted):
        return where(tracing, unary(tracing, "is_nan", x), others, x)
    missing = binary(tracing, "equal", x, Numbers(array=np.array(wanted, dtype=np.float32)))
    return where(tracing, missing, others, x)


def binarizer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Binarizer: one above a threshold, zero below."""
    threshold = Numbers(array=np.array(real(node, "threshold", 0.0), dtype=np.float32))
    return as_float(tracing, binary(tracing, "greater", required(inputs, 0), threshold))


def vectorizer(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """FeatureVectorizer: columns side by side."""
    parts: list[Tensorlike] = []
    for place in range(len(inputs)):
        part = as_float(tracing, required(inputs, place))
        batch, *sizes = shape_of(part)
        parts.append(part if len(sizes) == 1 else reshaped(tracing, part, (batch, int(np.prod(sizes)))))
    return tracing.apply(Concat(axis=1), *parts) if len(parts) > 1 else parts[0]


def extractor(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ArrayFeatureExtractor: columns by number. Of a list of texts, as class names are, the number is what is left."""
    x, places = tensor_at(inputs, 0), required(inputs, 1)
    if x is None:
        return _numbered(tracing, places)
    flat = reshaped(tracing, places, (int(np.prod(shape_of(places))),))
    rows = x if len(shape_of(x)) > 1 else reshaped(tracing, x, (1, *shape_of(x)))
    return tracing.apply(Gather(axis=len(shape_of(rows)) - 1), rows, flat)


def label_encoder(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """LabelEncoder: another name for each class."""
    return _numbered(tracing, required(inputs, 0))


def _numbered(tracing: Tracing, places: Tensorlike) -> Tensorlike:
    tracing.assumed["classes are told by their numbers, not by their names"] = None
    return places


def zip_map(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """ZipMap: the columns with their names."""
    return required(inputs, 0)


OPERATORS: Registry = {
    (_DOMAIN, "Scaler"): scaler,
    (_DOMAIN, "Normalizer"): normalizer,
    (_DOMAIN, "Imputer"): imputer,
    (_DOMAIN, "Binarizer"): binarizer,
    (_DOMAIN, "FeatureVectorizer"): vectorizer,
    (_DOMAIN, "ArrayFeatureExtractor"): extractor,
    (_DOMAIN, "LabelEncoder"): label_encoder,
    (_DOMAIN, "ZipMap"): zip_map,
}
