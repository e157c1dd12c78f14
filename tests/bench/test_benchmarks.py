"""The benchmarks run and say what they measured. What the figures are is not a test's business."""

import hashlib
from mmap import mmap
from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response

from bench import blindness, engine, latency
from bench.memory import forget_peak, peak_mib, resident_mib
from bench.networks import resnet20, small_cnn
from bench.results import record
from metagauge.client.client import Client
from tests.blindness.changes import CHANGES
from tests.fakes.answers import broken, good
from tests.fakes.service import FakeService, serving
from tests.product_networks import random_products
from tests.zoo_networks import graph_of


class Judge(FakeService):
    """Takes any bytes for a checkpoint."""

    def __init__(self, verdict: bytes) -> None:
        super().__init__()
        self.verdict = verdict

    async def _predict(self, request: Request) -> Response:
        answer = await super()._predict(request)
        self.contents = dict.fromkeys(self.contents, self.verdict)
        return answer


def test_resnet20_has_the_size_of_the_papers():
    graph = graph_of(*resnet20(np.random.default_rng(0)))
    assert graph.family == "resnet"
    assert 0.26e6 < graph.edges < 0.28e6
    assert sum(block.role == "conv" for block in graph.blocks) == 19 + 2


@pytest.mark.parametrize("name", engine.ENGINES)
def test_an_engine_is_measured(name: engine.Engine):
    found = engine.measure(name, graph_of(*small_cnn(np.random.default_rng(0))), repeats=1)
    assert found.edges >= found.parameters > 20_000
    assert found.forward_cpu_s > 0


def test_engines_measure_the_same_mathematics():
    graph = graph_of(*small_cnn(np.random.default_rng(0)))
    edges, blocks, tiles = (engine.measure(name, graph, repeats=1) for name in ("edges", "blocks", "tiles"))
    np.testing.assert_allclose(blocks.outputs, edges.outputs, atol=1e-5)
    np.testing.assert_allclose(tiles.outputs, edges.outputs, atol=1e-5)


def test_every_upload_is_another_file():
    service = Judge(good(0.5))
    with serving(service) as url, Client(url) as client:
        found = latency.measure(client, uploads=3, warmup=1, rng=np.random.default_rng(0))
    assert len(found.total_s) == 3
    assert len({job.sha256 for job in service.jobs.values()}) == 4
    assert found.quantile_ms(0.5) <= found.quantile_ms(0.95)
    assert sum(seconds[0] for seconds in found.parts_s.values()) == pytest.approx(found.total_s[0])


def test_a_failed_job_is_no_figure():
    service = Judge(broken("no_parameters", "nothing to judge"))
    with serving(service) as url, Client(url) as client, pytest.raises(RuntimeError, match="is failed"):
        latency.measure(client, uploads=1, warmup=1, rng=np.random.default_rng(0))


def test_the_same_seed_makes_the_same_network():
    one, other = (small_cnn(np.random.default_rng(0))[1] for _ in range(2))
    digests = [hashlib.sha256(b"".join(array.tobytes() for array in each.values())).digest() for each in (one, other)]
    assert digests[0] == digests[1]


def test_memory_that_is_used_raises_the_peak():
    forget_peak()
    before = resident_mib()
    with mmap(-1, 64 * 2**20) as memory:
        memory[:] = b"1" * len(memory)
    assert peak_mib() - before > 48


def test_rows_are_appended_to_their_own_table(tmp_path: Path):
    page = tmp_path / "results.md"
    record(page, "First", ("a", "b"), ("1", "2"))
    record(page, "Second", ("c",), ("3",))
    record(page, "First", ("a", "b"), ("4", "5"))
    first, second = page.read_text().split("## Second")
    assert first == "## First\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n| 4 | 5 |\n\n"
    assert second.endswith("| 3 |\n")


def test_a_table_with_other_columns_is_left_alone(tmp_path: Path):
    page = tmp_path / "results.md"
    record(page, "First", ("a", "b"), ("1", "2"))
    before = page.read_text()
    with pytest.raises(ValueError, match="does not begin its table"):
        record(page, "First", ("a", "c"), ("1", "2"))
    assert page.read_text() == before


def test_blindness_is_shown_for_one_change():
    seen = blindness.see(CHANGES["the stride"], random_products().double())
    assert seen.function > 0.01
    assert seen.graph == "structure"
    assert seen.before != seen.after
