"""The benchmark of probing measures what it says it does."""

import numpy as np

from bench.networks import small_cnn
from bench.probes import measure
from models.probes.images import draw_probes


def test_probing_is_timed_alone_and_together():
    found = measure([small_cnn(np.random.default_rng(0))], draw_probes(1), population=2)
    assert found.alone_ms > 0
    assert found.together_ms > 0
