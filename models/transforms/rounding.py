"""Numbers rounded to fewer digits, as files of smaller types hold them; small errors or, with few bits, damage."""

from collections.abc import Mapping
from typing import Literal

import ml_dtypes
import numpy as np

from metagauge.architecture.architecture import Architecture
from models.transforms.transform import Changed, NotApplicableError
from models.transforms.weights import weight_names

Precision = Literal["bfloat16", "float16"]
_TYPES: Mapping[Precision, type] = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def round_to(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, precision: Precision
) -> Changed:
    """Every number to the nearest one of `precision`; the arrays stay of float32. Nothing is drawn.

    Raises:
        NotApplicableError: a number is too large for that type.
    """
    del rng
    with np.errstate(over="ignore"):
        changed = {name: array.astype(_TYPES[precision]).astype(np.float32) for name, array in tensors.items()}
    for name, array in changed.items():
        if not np.isfinite(array).all():
            raise NotApplicableError(f"tensor {name!r} does not fit into {precision}")
    return architecture, changed


def quantise(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, bits: int
) -> Changed:
    """Weights as integers of this many bits times one number per tensor, symmetric around zero. Nothing is drawn.

    With 2 bits three levels are left. Biases, norms and tables stay as they are, as is usual.

    Raises:
        NotApplicableError: there are no weights.
    """
    del rng
    names = weight_names(architecture)
    if not names:
        raise NotApplicableError("there are no weights to quantise")
    most = 2 ** (bits - 1) - 1
    changed = dict(tensors)
    for name in names:
        step = np.abs(tensors[name]).max() / most
        if step > 0:
            changed[name] = (np.round(tensors[name] / step) * step).astype(np.float32)
    return architecture, changed
