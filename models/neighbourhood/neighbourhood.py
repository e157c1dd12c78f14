"""Where the zoo's networks lie among all that could be sent, and how far from them a network is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

DIRECTIONS = 48
"""Principal directions in which distance is measured each by itself."""
QUANTILES = 400
HIDDEN = 48
"""Neurons of the detector of damage."""
STEPS, BATCH, RATE, DECAY, NOISE = 1500, 256, 3e-3, 0.05, 0.3
"""How the detector is fitted: AdamW, and noise on what it reads, so that it does not learn networks by heart."""
SHOWN = 3
"""Signals that a reason names."""
_CLIP = 8.0
"""Spreads beyond which all values are alike: a statistic of a strange network may be anything."""
_FLOOR = 0.02
_UNUSUAL = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """A network is outside if no mixture of the zoo's is like it, or if it looks as damaged networks do.

    The distance is Mahalanobis' in the first principal directions of all signals, so that it is also about what goes
    together, and what lies outside of them in units of its own spread. The detector is a small network that tells the
    zoo's from damaged ones. Each is compared with calibration networks; the larger share of them that is closer counts.
    """

    middle: Float[Tensor, " signals"]
    spread: Float[Tensor, " signals"]
    axes: Float[Tensor, "signals directions"]
    variances: Float[Tensor, " directions"]
    rest: Float[Tensor, ""]
    """Mean square of what the directions leave of a network."""
    detector_in: Float[Tensor, "hidden signals"]
    detector_bias: Float[Tensor, " hidden"]
    detector_out: Float[Tensor, " hidden"]
    distances: Float[Tensor, " quantiles"]
    """Of calibration networks; and what the detector says of them."""
    alarms: Float[Tensor, " quantiles"]

    def score(self, signals: Float[Tensor, "networks signals"]) -> Float[Tensor, " networks"]:
        """From 0, in the middle of the zoo, to 1, further out than every calibration network."""
        far, loud = self.distance(signals), self.alarm(signals)
        ranks = [_rank(self.distances, far), _rank(self.alarms, loud)]
        return torch.stack(ranks).amax(0)

    def distance(self, signals: Float[Tensor, "networks signals"]) -> Float[Tensor, " networks"]:
        """Mahalanobis', with a floor under the variances."""
        usual, offset = self._parts(signals)
        inside = usual.square() / (self.variances + _FLOOR)
        outside = (offset - usual @ self.axes.T).square().sum(1)
        return (inside.sum(1) + outside / self.rest).sqrt()

    def alarm(self, signals: Float[Tensor, "networks signals"]) -> Float[Tensor, " networks"]:
        """The detector's logit of damage."""
        offset = self._parts(signals)[1]
        hidden = functional.gelu(offset @ self.detector_in.T + self.detector_bias)
        return hidden @ self.detector_out

    def place(self, signals: Float[Tensor, "networks signals"]) -> Float[Tensor, "networks directions"]:
        """Where networks are, in units of how far the zoo's are from each other."""
        return self._parts(signals)[0] / (self.variances + _FLOOR).sqrt()

    def reasons(self, signals: Float[Tensor, " signals"], names: Sequence[str], threshold: float) -> tuple[str, ...]:
        """Why a network is outside, in words: none where its score is below the threshold."""
        row = signals[None]
        offset = ((row - self.middle) / self.spread)[0]
        found: list[str] = []
        if float(_rank(self.distances, self.distance(row))) >= threshold:
            usual = _usual_words(offset, names)
            found.append(f"the network is further from the zoo's than those that intervals were calibrated on{usual}")
        if float(_rank(self.alarms, self.alarm(row))) >= threshold:
            found.append(
                "the weights and what they answer do not go together as those of trained networks do, but as those of"
                " networks whose weights were shuffled, replaced, mixed or coarsely rounded"
            )
        return tuple(found)

    def tensors(self) -> dict[str, Tensor]:
        """By name, for a file."""
        return {each.name: getattr(self, each.name).contiguous() for each in fields(self)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """What `tensors` gave."""
        return cls(**tensors)

    def _parts(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates in the directions, and the standardised signals."""
        offset = ((signals - self.middle) / self.spread).clamp(-_CLIP, _CLIP)
        return offset @ self.axes, offset


def locate(
    train: Float[Tensor, "train signals"],
    calibration: Float[Tensor, "calibration signals"],
    damaged: Float[Tensor, "damaged signals"],
    seed: int,
) -> Neighbourhood:
    """The neighbourhood of training networks.

    Args:
        train: Of networks of the zoo.
        calibration: Of networks whose architectures are not among those.
        damaged: Of damaged copies of the training networks; with none, only distance counts.
        seed: Of the detector's weights and batches.
    """
    middle = train.median(0).values
    low, high = torch.quantile(train, 0.16, dim=0), torch.quantile(train, 0.84, dim=0)
    spread = torch.maximum((high - low) / 2, 0.25 * train.std(0)).clamp_min(1e-3)
    offset = ((train - middle) / spread).clamp(-_CLIP, _CLIP)
    middle = middle + spread * offset.mean(0)
    offset = ((train - middle) / spread).clamp(-_CLIP, _CLIP)
    _, sizes, axes = torch.linalg.svd(offset, full_matrices=False)
    axes = axes[:DIRECTIONS].T
    rest = (offset - offset @ axes @ axes.T).square().sum(1).mean().clamp_min(1e-6)
    hidden = [torch.zeros(HIDDEN, train.shape[1]), torch.zeros(HIDDEN), torch.zeros(HIDDEN)]
    if len(damaged):
        hidden = _fit_detector(offset, ((damaged - middle) / spread).clamp(-_CLIP, _CLIP), seed)
    found = Neighbourhood(
        middle=middle,
        spread=spread,
        axes=axes,
        variances=sizes[:DIRECTIONS].square() / len(train),
        rest=rest,
        detector_in=hidden[0],
        detector_bias=hidden[1],
        detector_out=hidden[2],
        distances=torch.zeros(0),
        alarms=torch.zeros(0),
    )
    shares = torch.linspace(0, 1, QUANTILES)
    far, loud = (torch.quantile(each, shares) for each in (found.distance(calibration), found.alarm(calibration)))
    return Neighbourhood.from_tensors({**found.tensors(), "distances": far, "alarms": loud})


def threshold_for(scores: Float[Tensor, " calibration"], answered: float) -> float:
    """The score below which a share `answered` of calibration networks lies, or the next larger one."""
    return float(torch.quantile(scores, answered, interpolation="higher")) + 1e-6


def _fit_detector(
    zoo: Float[Tensor, "zoo signals"], damaged: Float[Tensor, "damaged signals"], seed: int
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    width = zoo.shape[1]
    weights = [
        torch.randn(HIDDEN, width, generator=generator) / width**0.5,
        torch.zeros(HIDDEN),
        torch.randn(HIDDEN, generator=generator) / HIDDEN**0.5,
    ]
    weights = [nn.Parameter(each) for each in weights]
    optimizer = torch.optim.AdamW(weights, RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    truth = torch.cat([torch.zeros(BATCH), torch.ones(BATCH)])
    for _ in range(STEPS):
        batch = torch.cat([each[torch.randint(len(each), (BATCH,), generator=generator)] for each in (zoo, damaged)])
        batch = batch + NOISE * torch.randn(batch.shape, generator=generator)
        logits = functional.gelu(batch @ weights[0].T + weights[1]) @ weights[2]
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, truth).backward()
        optimizer.step()
        schedule.step()
    return [each.detach() for each in weights]


def _rank(quantiles: Float[Tensor, " quantiles"], values: Float[Tensor, " networks"]) -> Float[Tensor, " networks"]:
    return torch.searchsorted(quantiles, values.contiguous()) / len(quantiles)


def _usual_words(offset: Float[Tensor, " signals"], names: Sequence[str]) -> str:
    """The signals furthest from the middle."""
    order = offset.abs().argsort(descending=True)[:SHOWN].tolist()
    said = [
        f"{names[each]} is unusually {'large' if offset[each] > 0 else 'small'}"
        for each in order
        if abs(offset[each]) > _UNUSUAL
    ]
    return f": {'; '.join(said)}" if said else ", in how its weights and answers go together"
