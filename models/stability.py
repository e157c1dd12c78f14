"""How far a prediction moves when a network is written in other numbers that compute the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from models.canonical.random_symmetry import permute_randomly, scale_randomly
from models.in_memory import checkpoint_of
from models.prediction import Prediction, Stability
from models.subject import Subject
from models.transforms.permute import permute
from models.transforms.permute_flow import permute_flow
from models.transforms.rescale import rescale
from models.transforms.transform import NotApplicableError, Tensors
from models.transforms.untied import untied

DRAWS = 2
"""Random members of each symmetry that are tried."""
MOST_EDGES = 1_000_000
"""Edges of the largest graph that is tried: each draw costs as much as a prediction, and a graph."""
ABSTAINED = 1.0
"""The move of a prediction that is withheld for another writing of the network: as far as an accuracy can go."""

Predict = Callable[[Sequence[Subject]], list[Prediction]]
Change = Callable[[Subject, np.random.Generator], Subject]


def stability(predict: Predict, subject: Subject, seed: int, *, most_edges: int = MOST_EDGES) -> Stability:
    """The largest moves of the predicted test accuracy under DRAWS random reorderings and rescalings of neurons.

    A network that can be executed is changed in its tensors, and its graph is built anew; else its graph is changed.

    Args:
        predict: What is judged; it is called once, with the subject and its copies.
        subject: The network.
        seed: Of the draws.
        most_edges: No larger graph is tried.

    Returns:
        None for what was not tried: nothing of the network can be changed in that way, its graph is too large, or
        nothing was predicted in the first place.
    """
    if subject.graph.edges > most_edges:
        return Stability()
    rng = np.random.default_rng(seed)
    permuted, rescaled = _draws(permuted_subject, subject, rng), _draws(rescaled_subject, subject, rng)
    own, *answers = (_accuracy(prediction) for prediction in predict([subject, *permuted, *rescaled]))
    if own is None:
        return Stability()
    moves = [ABSTAINED if answer is None else abs(answer - own) for answer in answers]
    return Stability(
        permutation=max(moves[: len(permuted)], default=None), rescale=max(moves[len(permuted) :], default=None)
    )


def permuted_subject(subject: Subject, rng: np.random.Generator) -> Subject:
    """The network with its hidden neurons in a random order.

    Raises:
        NotApplicableError: no neuron can be moved.
    """
    match subject.network:
        case Architecture() if subject.tensors is not None:
            return _rebuilt(subject, *permute(*untied(subject.network, subject.tensors), rng))
        case Dataflow() if subject.tensors is not None:
            return _rebuilt(subject, subject.network, permute_flow(subject.network, subject.tensors, rng))
        case _:
            return _with_graph(subject, permute_randomly(subject.graph, rng))


def rescaled_subject(subject: Subject, rng: np.random.Generator) -> Subject:
    """The network with random scales of its neurons where activations allow that.

    Raises:
        NotApplicableError: no neuron can be scaled, or not in the tensors of a network that is executed.
    """
    match subject.network:
        case Architecture() if subject.tensors is not None:
            return _rebuilt(subject, *rescale(*untied(subject.network, subject.tensors), rng))
        case Dataflow() if subject.tensors is not None:
            raise NotApplicableError("scales are not known of the tensors of a dataflow")
        case _:
            return _with_graph(subject, scale_randomly(subject.graph, rng))


def _draws(change: Change, subject: Subject, rng: np.random.Generator) -> list[Subject]:
    try:
        return [change(subject, rng) for _ in range(DRAWS)]
    except NotApplicableError:
        return []


def _accuracy(prediction: Prediction) -> float | None:
    return None if prediction.test_accuracy is None else prediction.test_accuracy.value


def _with_graph(subject: Subject, graph: ParameterGraph) -> Subject:
    if graph is subject.graph:
        raise NotApplicableError("no hidden neuron can be changed")
    return replace(subject, graph=graph)


def _rebuilt(subject: Subject, network: Network, tensors: Tensors) -> Subject:
    graph = build(network, checkpoint_of(tensors))
    kept = replace(graph, family=subject.graph.family, coverage=subject.graph.coverage, guessed=subject.graph.guessed)
    return replace(subject, graph=kept, network=network, tensors=tensors)
