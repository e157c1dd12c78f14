"""Fits neural baselines, and chooses their learning rate on architectures that it holds out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.model_selection import GroupShuffleSplit
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from models.baselines.flat import FlatNetworks, flatten
from models.training.networks import JobNetworks

_HELD_OUT = 0.2
_WEIGHT_DECAY = 1e-2
_CLIP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work goes into a fit. A step takes `snapshots` networks of each of `jobs` jobs."""

    epochs: int = 50
    trial_epochs: int = 12
    """Length of the fits that only compare learning rates."""
    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    """With one, nothing is compared."""
    jobs: int = 4
    snapshots: int = 6


EFFORT = Effort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Neural:
    """A module that reads flat networks and a generator, and returns logits of test accuracies."""

    make: Callable[[], nn.Module]
    effort: Effort | None = None
    """EFFORT, where none is given."""

    def fit(self, train: Sequence[JobNetworks], seed: int) -> "FittedNeural":
        """AdamW and one cycle, at the rate with the least squared error on a fifth of the architectures, held out."""
        effort, flat = self.effort or EFFORT, [flatten(job) for job in train]
        labels, best = [job.accuracy for job in train], effort.learning_rates[0]
        if len(effort.learning_rates) > 1:
            folds = GroupShuffleSplit(1, test_size=_HELD_OUT, random_state=seed)
            kept, held_out = next(folds.split(flat, groups=[job.architecture for job in train]))
            truth = torch.cat([labels[number] for number in held_out]).numpy()
            errors: dict[float, float] = {}
            for rate in effort.learning_rates:
                trial = self._fit([flat[k] for k in kept], [labels[k] for k in kept], rate, effort.trial_epochs, seed)
                guesses = _predict(trial, [flat[number] for number in held_out])
                errors[rate] = float(np.square(guesses - truth).mean())
            best = min(errors, key=errors.__getitem__)
        return FittedNeural(module=self._fit(flat, labels, best, effort.epochs, seed), learning_rate=best)

    def _fit(
        self, networks: Sequence[FlatNetworks], labels: Sequence[torch.Tensor], rate: float, epochs: int, seed: int
    ) -> nn.Module:
        torch.manual_seed(seed)
        effort, rng, generator = self.effort or EFFORT, np.random.default_rng([seed, 6]), torch.Generator()
        generator.manual_seed(seed)
        module = self.make().train()
        steps = epochs * -(-len(networks) // effort.jobs)
        optimizer = torch.optim.AdamW(module.parameters(), rate, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
        for _ in tqdm(range(epochs), desc=f"{type(module).__name__} at {rate:g}", unit="epoch", leave=False):
            order = rng.permutation(len(networks))
            for start in range(0, len(order), effort.jobs):
                chosen = order[start : start + effort.jobs]
                for number in chosen:
                    rows = torch.from_numpy(rng.permutation(len(labels[number]))[: effort.snapshots])
                    logits = module(networks[number].select(rows), generator)
                    loss = functional.binary_cross_entropy_with_logits(logits, labels[number][rows]) / len(chosen)
                    loss.backward()
                nn.utils.clip_grad_norm_(module.parameters(), _CLIP)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
        return module.eval()


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNeural:
    """A fitted module, and the learning rate that was chosen for it."""

    module: nn.Module
    learning_rate: float

    def predict(self, networks: Sequence[JobNetworks]) -> Float[np.ndarray, " snapshots"]:
        """Test accuracies."""
        return _predict(self.module, [flatten(job) for job in networks])


@torch.no_grad()
def _predict(module: nn.Module, networks: Sequence[FlatNetworks]) -> Float[np.ndarray, " snapshots"]:
    generator = torch.Generator().manual_seed(0)
    return torch.cat([module(each, generator).sigmoid() for each in networks]).double().numpy()
