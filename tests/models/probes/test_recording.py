"""Networks are run in tiles: all images on all networks, once, and never more at a time than was allowed."""

from collections import Counter

import pytest
import torch

from metagauge.architecture.architecture import Layout
from metagauge.architecture.layers import Activation, Flatten
from metagauge.graph.places import Place, places
from models.interpreter.layers import Part, run_population
from models.probes.convention import CLASSES
from models.probes.probe import alone
from models.probes.recording import Runner, prepare, shapes_of
from models.zoo.sketch import Sketch
from tests.sketches import finished
from tests.zoo_networks import FAMILY_NAMES, drawn


def runner(family: str, networks: int = 3) -> Runner:
    architecture, arrays = drawn(family, 1)
    tensors = {
        name: each.repeat(networks, *(1,) * (each.dim() - 1)) for name, each in alone(architecture, arrays).items()
    }
    return prepare(architecture, tensors, places(architecture, shapes_of(tensors)))


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("images", [1.5, 4.0, 100.0])
def test_a_tile_is_within_its_budget_and_tiles_cover_everything_once(family: str, images: float):
    asked, units, copies = runner(family), list(range(7)), 3
    budget = int(asked.elements * copies * images)
    seen: Counter[tuple[int, int]] = Counter()
    for networks, chosen in asked.tiles(units, copies, budget):
        count = networks.stop - networks.start
        assert count * len(chosen) * copies * asked.elements <= budget
        seen.update((network, unit) for network in range(networks.start, networks.stop) for unit in chosen)
    assert seen == Counter({(network, unit): 1 for network in range(3) for unit in units})


def test_the_least_tile_is_one_network_and_one_unit():
    tiles = list(runner("cnn").tiles(range(4), 3, 0))
    assert len(tiles) == 12


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_what_is_alive_is_counted(family: str):
    """A value and what it is computed from are alive at once; no run of fewer numbers has both."""
    asked = runner(family, 1)
    sizes: dict[str, int] = {}

    def observe(name: str, part: Part, layout: Layout, tensor: torch.Tensor) -> None:
        if part == "whole":
            sizes[name] = tensor.numel()

    run_population(asked.architecture, asked.tensors, torch.zeros(1, 3, 32, 32), training=False, observe=observe)
    needed = [
        sizes[each.name] + sum(sizes[name] for name in set(each.inputs)) for each in asked.architecture.operations
    ]
    assert max(needed) <= asked.elements <= 4 * sum(sizes.values())
    assert asked.elements < 3 * max(needed)


def test_probabilities_are_asked_for_their_logarithms():
    sketch = Sketch((3, 32, 32))
    sketch.append("flatten", Flatten())
    sketch.linear("head", CLASSES)
    plain, tensors = finished(sketch)
    sketch.append("softmax", Activation(function="softmax"))
    soft, _ = finished(sketch)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    nowhere: tuple[Place | None, ...] = ()
    logits, logarithms = (
        prepare(each, alone(each, tensors), nowhere).run(slice(0, 1), images, None) for each in (plain, soft)
    )
    torch.testing.assert_close(logarithms, logits.log_softmax(2), rtol=1e-4, atol=1e-4)
    assert (logarithms - logits).abs().max() > 0.1
