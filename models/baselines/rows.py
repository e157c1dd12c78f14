"""What a user could compute more cheaply of a network than a metanetwork does: one row of numbers for each snapshot."""

from collections.abc import Callable

import numpy as np

from metagauge.graph.parameter_graph import WIRING
from models import features
from models.graph_tensors import BlockTensors
from models.probes.responses import RESPONSE_FEATURES, needs_class_order
from models.training.networks import JobNetworks
from models.zoo.families import FAMILIES

_BIAS = features.ROLES.index("bias")
_WIRING = [features.ROLES.index(role) for role in WIRING]


def architecture_only(job: JobNetworks) -> np.ndarray:
    """Family, size, depth, and the structure of groups and blocks: no weight is looked at."""
    groups = np.stack([group.static.numpy() for group in job.written.groups])
    blocks = np.stack([block.static.numpy() for block in job.written.blocks])
    sizes = [np.prod(block.weight.shape[1:]) for block in job.written.blocks]
    family = [float(job.family == name) for name in FAMILIES]
    row = [*family, np.log(sum(sizes)), len(sizes), *groups.mean(0), *groups.max(0), *blocks.mean(0), *blocks.max(0)]
    return np.tile(np.array(row, np.float64), (len(job.entries), 1))


def recipe_only(job: JobNetworks) -> np.ndarray:
    """Architecture, training recipe and training step: what a log file says, without any weight."""
    rows = [
        [
            float(entry.training.optimizer == "sgd"),
            np.log(entry.training.learning_rate),
            np.log(entry.training.weight_decay),
            entry.training.label_noise,
            np.log(entry.training.training_images),
            float(entry.training.flips),
            float(entry.training.shifts),
            np.log(entry.training.init_scale),
            np.log(entry.training.steps),
            float(entry.training.cosine),
            np.log1p(entry.step),
            entry.step / entry.training.steps,
        ]
        for entry in job.entries
    ]
    return np.concatenate([architecture_only(job), np.array(rows)], axis=1)


def weight_statistics(job: JobNetworks) -> np.ndarray:
    """StatNN (Unterthiner et al. 2020, sec. 4.2): mean, variance and quartiles of each layer's weights and biases.

    Layers differ in number here, so the first two and the last two are kept, and the mean, least and most over all.
    """
    weights = _layers(job, lambda role: role != _BIAS and role not in _WIRING)
    biases = _layers(job, lambda role: role == _BIAS)
    return np.concatenate([_over_layers(weights), _over_layers(biases)], axis=1)


def rich_statistics(job: JobNetworks) -> np.ndarray:
    """Architecture, and everything the metanetwork is told about blocks and neurons, summarised."""
    blocks = [block.statistics.numpy() for block in job.written.blocks if not _is_wiring(block)]
    nodes = [group.statistics.numpy() for group in job.written.groups if group.statistics.shape[1] > 1]
    means, spreads = np.stack([each.mean(1) for each in nodes]), np.stack([each.std(1) for each in nodes])
    parts = [architecture_only(job), weight_statistics(job), _over_layers(np.stack(blocks))]
    return np.concatenate([*parts, _over_layers(means), _over_layers(spreads)], axis=1)


def probe_answers(job: JobNetworks) -> np.ndarray:
    """What the networks answer to probe images, class by class where classes have an order.

    Raises:
        ValueError: the networks were not executed.
    """
    if job.graphs.responses is None:
        raise ValueError(f"job {job.job} was not asked about probe images")
    return job.graphs.responses.numpy()


def probe_answers_without_order(job: JobNetworks) -> np.ndarray:
    """Of the answers, what does not depend on the order of the classes."""
    return probe_answers(job)[:, :RESPONSE_FEATURES][:, ~needs_class_order()]


def probe_answers_and_rich_statistics(job: JobNetworks) -> np.ndarray:
    """Everything that is known of weights and answers, for boosting to choose from."""
    return np.concatenate([probe_answers(job), rich_statistics(job)], axis=1)


def _layers(job: JobNetworks, wanted: Callable[[int], bool]) -> np.ndarray:
    """(layers, networks, 7) statistics of the blocks whose role is wanted."""
    found = []
    for block in job.written.blocks:
        role = int(block.static[: len(features.ROLES)].argmax())
        if wanted(role):
            flat = block.weight.flatten(1).double().numpy()
            quartiles = np.quantile(flat, (0, 0.25, 0.5, 0.75, 1), axis=1)
            found.append(np.stack([flat.mean(1), flat.var(1), *quartiles], axis=1))
    return np.stack(found)


def _over_layers(layers: np.ndarray) -> np.ndarray:
    """(networks, width) from (layers, networks, statistics)."""
    count = len(layers)
    kept = [layers[0], layers[min(1, count - 1)], layers[max(0, count - 2)], layers[-1]]
    return np.concatenate([*kept, layers.mean(0), layers.min(0), layers.max(0)], axis=1)


def _is_wiring(block: BlockTensors) -> bool:
    return int(block.static[: len(features.ROLES)].argmax()) in _WIRING
