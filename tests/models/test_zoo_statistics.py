"""The statistics of a zoo say what it holds, and its digest changes with every weight and label."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import models.zoo.__main__ as command
from models.zoo.picture import draw_accuracies
from models.zoo.statistics import describe
from models.zoo.store import ZooStore
from tests.models.conftest import Zoo


@pytest.fixture
def copy(mlp_zoo: Zoo, tmp_path: Path) -> Path:
    """The zoo of MLPs, in a folder that may be changed."""
    folder = tmp_path / "mlps"
    (folder / "jobs").mkdir(parents=True)
    for path in (mlp_zoo.folder / "recipe.json", *(mlp_zoo.folder / "jobs").iterdir()):
        (folder / path.relative_to(mlp_zoo.folder)).write_bytes(path.read_bytes())
    return folder


def test_every_snapshot_is_counted_once(smoke_zoo: Zoo):
    statistics = describe(smoke_zoo.store)
    families = statistics.families.values()
    assert statistics.complete
    assert statistics.everything.everything.snapshots == 48 == sum(family.everything.snapshots for family in families)
    assert statistics.everything.finals.snapshots == 16
    assert statistics.everything.runs_of_steps == {12: 16}
    assert sum(family.architectures for family in families) == statistics.everything.architectures == 8


def test_quantiles_are_those_of_the_index(mlp_zoo: Zoo):
    entries = mlp_zoo.store.entries()
    quantiles = describe(mlp_zoo.store).everything.everything
    for label in ("test_accuracy", "train_accuracy", "test_loss", "train_loss"):
        values = [getattr(entry, label) for entry in entries]
        least, *_, most = getattr(quantiles, label)
        assert (least, most) == (pytest.approx(min(values), abs=1e-5), pytest.approx(max(values), abs=1e-5))
        assert getattr(quantiles, label)[3] == pytest.approx(np.median(values), abs=1e-5)


def test_an_equal_zoo_has_an_equal_digest(mlp_zoo: Zoo, copy: Path):
    assert describe(ZooStore(copy)) == describe(mlp_zoo.store)


def test_another_weight_gives_another_digest(mlp_zoo: Zoo, copy: Path):
    path = copy / "jobs" / "00003.safetensors"
    with_metadata = _metadata(path)
    tensors = load_file(path)
    tensors[sorted(tensors)[0]].flat[0] += 1e-3
    save_file(tensors, path, metadata=with_metadata)
    assert describe(ZooStore(copy)).content_digest != describe(mlp_zoo.store).content_digest


def test_another_label_gives_another_digest(mlp_zoo: Zoo, copy: Path):
    path = copy / "jobs" / "00003.json"
    entries = json.loads(path.read_text())
    entries[0]["test_loss"] += 1e-6
    path.write_text(json.dumps(entries))
    changed, before = describe(ZooStore(copy)), describe(mlp_zoo.store)
    assert changed.content_digest != before.content_digest
    assert changed.recipe_digest == before.recipe_digest


def test_missing_jobs_and_lost_snapshots_are_told(mlp_zoo: Zoo, copy: Path):
    (copy / "jobs" / "00007.json").unlink()
    store = ZooStore(copy)
    entries = store.job_entries(2)
    (copy / "jobs" / "00002.json").write_bytes(command.TypeAdapter(list).dump_json(entries[:-2]))
    statistics = describe(store)
    assert not statistics.complete
    assert statistics.lost == 2
    assert statistics.everything.jobs == 11


def test_a_zoo_measured_in_part_says_the_least(mlp_zoo: Zoo, copy: Path):
    recipe, store = mlp_zoo.recipe, ZooStore(copy)
    store.prepare(replace(recipe, test_images=recipe.test_images // 2, train_images=1))
    assert describe(store) == describe(mlp_zoo.store), "counts are those of the networks, not of a recipe"
    path = copy / "jobs" / "00003.json"
    entries = json.loads(path.read_text())
    entries[0] |= {"test_images": 3, "train_images": 2}
    path.write_text(json.dumps(entries))
    statistics = describe(store)
    assert statistics.test_images == 3
    assert statistics.train_images == max(entry.train_images for entry in mlp_zoo.store.entries()) > 2


def test_a_zoo_without_snapshots_has_no_statistics(mlp_zoo: Zoo, tmp_path: Path):
    store = ZooStore(tmp_path)
    store.prepare(replace(mlp_zoo.recipe, jobs=1))
    with pytest.raises(ValueError, match="no snapshots"):
        describe(store)


def test_the_command_writes_them(mlp_zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "STATISTICS", tmp_path / "statistics")
    command.show("mlps", mlp_zoo.folder.parent, json=True)
    written = json.loads((tmp_path / "statistics" / "mlps.json").read_text())
    assert written["content_digest"] == describe(mlp_zoo.store).content_digest


def test_a_picture_is_small_and_repeats(mlp_zoo: Zoo, tmp_path: Path):
    entries = mlp_zoo.store.entries()
    for name, chosen in (("one", entries), ("again", entries), ("fewer", entries[:20])):
        draw_accuracies(chosen, "mlps", tmp_path / f"{name}.svg")
    one, again, fewer = ((tmp_path / f"{name}.svg").read_bytes() for name in ("one", "again", "fewer"))
    assert one == again != fewer
    assert b"finals" in one
    assert len(one) < 50_000


def _metadata(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
