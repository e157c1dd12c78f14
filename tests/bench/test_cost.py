"""The benchmark of reading measures what it says, shown on small files."""

from pathlib import Path

from bench.cost import generate, measure


def test_all_steps_of_a_small_gpt2_are_timed(tmp_path: Path):
    generate(tmp_path, width=24, words=50, tiny=10)
    cost = measure("gpt2", tmp_path)
    assert cost.tensors == 2 + 12 * 12 + 2
    assert min(cost.read_s, cost.infer_s, cost.build_s) > 0
    assert cost.total_s < 60


def test_many_tensors_are_read_or_refused(tmp_path: Path):
    generate(tmp_path, width=12, words=2, tiny=70_000)
    read, refused = measure("tiny", tmp_path), measure("tiny, refused", tmp_path)
    assert (read.tensors, refused.tensors) == (70_000, 0)
    assert refused.read_s < read.read_s
