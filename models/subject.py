"""What a predictor judges: a network's graph, and the network itself where it may be executed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metagauge.architecture.network import Network
from metagauge.graph.parameter_graph import ParameterGraph

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the user says about the network's inputs and outputs. None is: not said, so the zoo's own is assumed.

    A network reads (pixel / 255 - mean) / spread for each of the channels red, green, blue. `classes` has, for each
    output in turn, the number of its class in the order of the task.
    """

    mean: Triple | None = None
    spread: Triple | None = None
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One network. Without `network` and `tensors` it cannot be executed, and only its weights can be judged."""

    graph: ParameterGraph
    network: Network | None = None
    tensors: Mapping[str, np.ndarray] | None = None
    """The checkpoint's tensors by name, those at least that `network` computes with."""
    declared: Declared = Declared()
