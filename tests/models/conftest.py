"""Fixtures of the zoo's tests: images, one thread, and two zoos made once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from models.zoo.job import make_job
from models.zoo.recipe import ZooRecipe, load_recipe
from models.zoo.store import ZooStore
from tests.models.small_zoo import MLPS, write_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoo:
    """A zoo on disk and what it was made from."""

    recipe: ZooRecipe
    folder: Path
    data: Path

    @property
    def store(self) -> ZooStore:
        return ZooStore(self.folder)

    def make(self, folder: Path, jobs: range) -> ZooStore:
        """The jobs once more, in another folder."""
        store = ZooStore(folder)
        store.prepare(self.recipe)
        for job in jobs:
            make_job(self.recipe, job, folder, self.data, self.data.parent / "images")
        return store


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Sums come out alike in this process and in a zoo's own, which have one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def picture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("pictures") / "cifar10.parquet")


@pytest.fixture(scope="session")
def smoke_zoo(tmp_path_factory: pytest.TempPathFactory, picture_file: Path, one_thread: None) -> Zoo:
    """The shipped recipe `smoke`: one job of each family."""
    return made(load_recipe("smoke"), tmp_path_factory.mktemp("zoos"), picture_file)


@pytest.fixture(scope="session")
def mlp_zoo(tmp_path_factory: pytest.TempPathFactory, picture_file: Path, one_thread: None) -> Zoo:
    """Twelve small jobs of one family."""
    return made(MLPS, tmp_path_factory.mktemp("zoos"), picture_file)


def made(recipe: ZooRecipe, zoos: Path, data: Path) -> Zoo:
    zoo = Zoo(recipe=recipe, folder=zoos / recipe.name, data=data)
    zoo.make(zoo.folder, range(recipe.jobs))
    return zoo
