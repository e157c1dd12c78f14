"""The predictors that are installed, read from their files; the networks themselves are the worker's."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from metagauge.contract import PredictorSummary
from metagauge.errors import PredictorUnknownError

FOLDER = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)-v(?P<version>\d+)")
"""`models/pretrained/<name>-v<version>/`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One predictor: what is said about it, and its model card in Markdown."""

    summary: PredictorSummary
    card: str


class Catalog:
    """Predictors by name; the highest version of each is served."""

    def __init__(self, folder: Path, default: str) -> None:
        """Reads `folder`; `default` is the predictor of requests that name none."""
        found = sorted(_offers(folder), key=lambda offer: offer.summary.version)
        self._offers = {offer.summary.name: offer for offer in found}
        self._default = default

    def find(self, name: str | None = None) -> Offer:
        """The predictor called `name`, or the default one.

        Raises:
            PredictorUnknownError: it is not installed.
        """
        wanted = self._default if name is None else name
        try:
            return self._offers[wanted]
        except KeyError as error:
            known = ", ".join(sorted(self._offers)) or "none"
            raise PredictorUnknownError(f"no predictor is called {wanted!r}; installed: {known}") from error

    def summaries(self) -> tuple[PredictorSummary, ...]:
        """What is served, by name."""
        return tuple(self._offers[name].summary for name in sorted(self._offers))


def _offers(folder: Path) -> Iterator[Offer]:
    for path in folder.iterdir() if folder.is_dir() else ():
        match = FOLDER.fullmatch(path.name)
        if match is None or not (path / "config.json").is_file():
            continue
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        metrics = json.loads(_text(path / "metrics.json", absent="{}"))
        scores = metrics.get("scores", metrics)
        summary = PredictorSummary(
            name=match["name"],
            version=int(match["version"]),
            title=config["title"],
            domain=config["domain"],
            scores={key: float(value) for key, value in scores.items() if _is_number(value)},
        )
        yield Offer(summary=summary, card=_text(path / "card.md", absent=""))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _text(path: Path, *, absent: str) -> str:
    """A predictor that was trained and not evaluated yet can be served; it just has nothing to show."""
    return path.read_text(encoding="utf-8") if path.exists() else absent
