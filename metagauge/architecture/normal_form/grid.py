"""The points at which functions of one number are compared."""

import numpy as np

from metagauge.architecture.onnx.curve import IDENTITY

_BETWEEN = np.array([0.003, 0.01, 0.03, 0.07, 0.11, 0.33, 0.7, 1.37, 2.9, 5.3, 9.1])

GRID: np.ndarray = np.sort(np.concatenate([IDENTITY, _BETWEEN, -_BETWEEN]))
"""The even points of `IDENTITY`, and uneven ones, most of them near zero, where activations bend."""
GRID.setflags(write=False)
