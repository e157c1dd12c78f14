"""The points at which functions of one number are compared."""

import numpy as np

from metagauge.architecture.onnx.curve import EVEN

_BETWEEN = np.array([0.003, 0.01, 0.03, 0.07, 0.11, 0.33, 0.7, 1.37, 2.9, 5.3, 9.1, *np.arange(12.6, 24.0, 0.6)])

GRID: np.ndarray = np.sort(np.concatenate([EVEN, _BETWEEN, -_BETWEEN]))
"""The points of `EVEN`, and uneven ones, most of them near zero, where activations bend."""
GRID.setflags(write=False)
