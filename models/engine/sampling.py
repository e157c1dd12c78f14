"""Networks with more weights than anyone wants to read: messages of a sample of neurons, and how far off they may be.

Above a budget, each large block is read at some inputs, drawn without replacement, for what its targets hear, and at
some outputs for what its sources hear, each weighted by the inverse of its chance to be drawn. Given the statistics of
a block, sums of messages are then right in expectation. Statistics are taken from the same sample (peaks come out a
little low), and what follows the sums is not linear, so answers are estimates with a small bias beside the error that
repeats show.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from metagauge.graph.parameter_graph import Block, ParameterGraph
from models.engine.products import NO_ANSWERS, Answers, ProductEngine, Survey
from models.engine.products_round import Reading
from models.engine.products_tiles import Chosen, TileReader
from models.engine.weight_statistics import Scan, Side, scan

BUDGET = 2 * 10**9
"""Weights that are read at most in each pass over a network."""
REPEATS = 4
_WHOLE = 2**12
"""Blocks with fewer weights are always read whole: biases, norms, small layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the repeats say on average."""

    targets: Float[Tensor, " targets"]
    error: Float[Tensor, " targets"]
    """Standard error of that average over the repeats; zeros where every weight was read."""
    share: float
    """Of each large block, what share of its neurons was read for each end; one where every weight was read."""


def estimate(
    engine: ProductEngine,
    graph: ParameterGraph,
    answers: Answers = NO_ANSWERS,
    *,
    budget: int = BUDGET,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Estimate:
    """The engine's targets for a graph: exact up to `budget` weights, above it the mean of `repeats` samples.

    Args:
        engine: Answers, for whole graphs and for samples.
        graph: Of any size.
        answers: What the network answered to probe images.
        budget: Weights that are read in a pass, at most, but for blocks that are small or have groups.
        repeats: Independent samples, two at least.
        seed: Of the samples.
    """
    if graph.edges <= budget:
        exact = engine(graph, answers)[0]
        return Estimate(targets=exact, error=torch.zeros_like(exact), share=1.0)
    share, rng = budget / graph.edges / 2, np.random.default_rng(seed)
    found = torch.stack([engine(graph, answers, sampled_survey(graph, share, rng))[0] for _ in range(repeats)])
    return Estimate(targets=found.mean(0), error=found.std(0) / repeats**0.5, share=share)


def sampled_survey(graph: ParameterGraph, share: float, rng: np.random.Generator) -> Survey:
    """What `survey` finds, from a share of the neurons of each block. The same neurons are read in every round."""
    reader = TileReader(torch.float64)
    found = [_sampled(block, share, reader, rng) for block in graph.blocks]
    return Survey(scans=[each for each, _ in found], readings=[reading for _, reading in found])


def _sampled(block: Block, share: float, reader: TileReader, rng: np.random.Generator) -> tuple[Scan, Reading]:
    outputs, inputs = block.weight.shape[:2]
    if block.groups > 1 or block.weight.size < _WHOLE:
        whole = scan(block, reader)
        return whole, Reading(scale=whole.scale)
    some_inputs, some_outputs = Chosen(inputs=_drawn(inputs, share, rng)), Chosen(outputs=_drawn(outputs, share, rng))
    by_target, by_source = scan(block, reader, some_inputs), scan(block, reader, some_outputs)
    parts = (by_target.scale, by_source.scale)
    scale = replace(
        by_source.scale,
        size=float(np.mean([part.size**2 for part in parts])) ** 0.5,
        is_bounded=any(part.is_bounded for part in parts),
    )
    merged = replace(
        by_source,
        outputs=_grown(by_target.outputs, inputs * block.weight.shape[2]),
        inputs=_grown(by_source.inputs, outputs * block.weight.shape[2]),
        scale=scale,
    )
    return merged, Reading(scale=scale, inputs=some_inputs, outputs=some_outputs)


def _drawn(count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.choice(count, size=max(1, round(share * count)), replace=False))


def _grown(side: Side, count: int) -> Side:
    """Sums over the weights that were read as sums over all `count` of a neuron."""
    factor = count / side.count
    return replace(side, total=side.total * factor, square=side.square * factor, count=count)
