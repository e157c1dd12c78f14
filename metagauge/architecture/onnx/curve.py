"""Functions of one number, told apart by their values: exporters spell the same activation in a dozen ways.

A chain of elementwise operators with constants is one function of one number. Evaluated on a fixed grid, it is compared
with the activation functions we know, however it was written. What a grid cannot show, a jump between two of its points
or a bend beyond its end, is told by the operators themselves: a chain that may hide one is compared with nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import erf, sqrt

import numpy as np

from metagauge.architecture.layers import Activation, ActivationFunction
from metagauge.architecture.onnx.sight import CLEAR, Sight

Curve = np.ndarray
"""Values of a function on `IDENTITY`."""

_FAR = np.array([16.0, 24.0, 48.0, 100.0])
EVEN: Curve = np.concatenate([-_FAR[::-1], np.linspace(-12.0, 12.0, 193), _FAR])
"""The even points of the grid. -1 and 1 are on it, and points beyond any usual clipping."""
_UNEVEN = np.concatenate(
    [np.arange(0.0071, 24.0, 0.0213), np.geomspace(24.5, 120.0, 97), np.geomspace(131.0, 1e12, 61)]
)
IDENTITY: Curve = np.sort(np.concatenate([-_UNEVEN, EVEN, _UNEVEN]))
"""The grid, which is also the identity's values on it: dense where activations bend, and on to where nothing should."""
IDENTITY.setflags(write=False)

TOLERANCE = 2e-5
"""Above float32 constants' rounding, below the 5e-4 between the two gelus."""

_MINUS_ONE, _ONE = (int(np.argmin(np.abs(IDENTITY - point))) for point in (-1.0, 1.0))

Pointwise = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementwise:
    """A chain of elementwise operators on one value."""

    curve: Curve
    end: str = ""
    """The last operator, for messages."""
    last: Curve | None = None
    """What that operator does alone, where it reads one value."""
    before: "Elementwise | None" = None
    """The chain without it."""
    sight: Sight = CLEAR
    """What the chain may do that its curve does not show."""
    last_sight: Sight = CLEAR

    def then(self, function: Pointwise, end: str, sight: Sight = CLEAR) -> "Elementwise":
        """The chain with one more operator of one value, which may do what `sight` says."""
        return Elementwise(
            curve=function(self.curve),
            end=end,
            last=function(IDENTITY),
            before=self,
            sight=self.sight.after(sight),
            last_sight=replace(sight, kinks=0),
        )

    @property
    def is_nothing(self) -> bool:
        """Whether the value stays as it is."""
        return self.sight.is_clear and same(self.curve, IDENTITY)

    @property
    def is_linear(self) -> bool:
        """Whether the value is only multiplied by a number."""
        return self.factor is not None

    @property
    def factor(self) -> float | None:
        """The a of `a x`, if that is what the chain is."""
        return linear_factor(self.curve) if self.sight.is_clear else None

    @property
    def activation(self) -> Activation | None:
        """The activation that the chain is."""
        return known_activation(self.curve) if self.sight.is_clear else None


NOTHING = Elementwise(curve=IDENTITY)


def error_function(x: np.ndarray) -> np.ndarray:
    """Elementwise erf; numpy has none."""
    return np.vectorize(erf, otypes=[float])(x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(0.0, x)


def gelu(x: np.ndarray) -> np.ndarray:
    """Hendrycks and Gimpel 2016, exact."""
    return 0.5 * x * (1 + error_function(x / sqrt(2)))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    """Hendrycks and Gimpel 2016, the approximation by tanh."""
    return 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def selu(x: np.ndarray, alpha: float = 1.6732632423543772, gamma: float = 1.0507009873554805) -> np.ndarray:
    """Klambauer et al. 2017."""
    return gamma * elu(x, alpha)


def elu(x: np.ndarray, alpha: float) -> np.ndarray:
    """Clevert et al. 2016."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FUNCTIONS: dict[ActivationFunction, Pointwise] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "softplus": softplus,
    "selu": selu,
}


def known_activation(curve: Curve) -> Activation | None:
    """The activation with these values."""
    if not np.isfinite(curve).all():
        return None
    return next((layer for layer, values in _candidates(curve) if same(curve, values)), None)


def linear_factor(curve: Curve) -> float | None:
    """The a of `a x`, if that is what the curve is."""
    factor = float(curve[_ONE])
    return factor if np.isfinite(factor) and same(curve, factor * IDENTITY) else None


def same(curve: Curve, values: np.ndarray) -> bool:
    """Whether two curves agree; a curve that overflows agrees with none."""
    if curve is values:
        return True
    with np.errstate(invalid="ignore"):
        return bool((np.abs(curve - values) <= TOLERANCE * (1 + np.abs(values))).all())


def decimal(number: float) -> float:
    """The shortest decimal that is the same float32: 9.999999747378752e-06 was written as 1e-05."""
    return float(str(np.float32(number)))


@cache
def _known() -> tuple[tuple[Activation, np.ndarray], ...]:
    return tuple((Activation(function=name), function(IDENTITY)) for name, function in FUNCTIONS.items())


def _candidates(curve: Curve) -> Iterator[tuple[Activation, np.ndarray]]:
    yield from _known()
    slope = decimal(-float(curve[_MINUS_ONE]))
    yield Activation(function="leaky_relu", slope=slope), np.where(IDENTITY > 0, IDENTITY, slope * IDENTITY)
    alpha = decimal(float(curve[_MINUS_ONE]) / float(np.expm1(-1.0)))
    yield Activation(function="elu", slope=alpha), elu(IDENTITY, alpha)
