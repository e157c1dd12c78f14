"""Gradient boosting on one row of features for each network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold

from models.baselines.baseline import accuracies_of, groups_of
from models.training.networks import JobNetworks

Rows = Callable[[JobNetworks], np.ndarray]
"""Features of a job's snapshots: (networks, width)."""

GRID: Mapping[str, Sequence[float]] = {"learning_rate": (0.03, 0.1), "max_leaf_nodes": (15, 31), "max_iter": (300,)}
"""What is tuned, in folds of architectures."""
FOLDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Boosted trees (Friedman 2001; scikit-learn's histogram kind) on `rows`."""

    rows: Rows
    grid: Mapping[str, Sequence[float]] | None = None
    """GRID, where none is given."""

    def fit(self, train: Sequence[JobNetworks], seed: int) -> "Boosted":
        """Tunes in folds of architectures by R2, then fits to all."""
        booster = HistGradientBoostingRegressor(random_state=seed, min_samples_leaf=10)
        grid = {name: list(values) for name, values in (self.grid or GRID).items()}
        search = GridSearchCV(booster, grid, cv=GroupKFold(FOLDS), scoring="r2")
        search.fit(_table(self.rows, train), accuracies_of(train), groups=groups_of(train))
        return Boosted(rows=self.rows, search=search)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """Fitted trees."""

    rows: Rows
    search: GridSearchCV

    def predict(self, networks: Sequence[JobNetworks]) -> Float[np.ndarray, " snapshots"]:
        """Test accuracies, cut to what accuracies can be."""
        return self.search.predict(_table(self.rows, networks)).clip(0, 1)


def _table(rows: Rows, networks: Sequence[JobNetworks]) -> Float[np.ndarray, "snapshots width"]:
    return np.concatenate([rows(job) for job in networks])
