"""The scorecard's pictures, as SVG: predicted against measured for each family, and learning curves."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from models.evaluation.arms import SHARES
from models.evaluation.scorecard import Line
from models.evaluation.units import Result

_DOTS_PER_INCH = 110
_COLUMNS = 4
_SETTINGS: dict[RcKeyType, str | int] = {"svg.hashsalt": "models.evaluation", "svg.fonttype": "none", "font.size": 9}
"""Pictures of the same numbers are the same bytes."""


def scatter(result: Result, path: Path) -> None:
    """Predicted against measured test accuracy, one panel for each family; finals are darker."""
    families = np.unique(result.snapshots.family)
    columns = min(_COLUMNS, len(families))
    rows = -(-len(families) // columns)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(2.3 * columns, 2.4 * rows), layout="constrained")
        for number, family in enumerate(families, start=1):
            axes = figure.add_subplot(rows, columns, number)
            _panel(axes, result, str(family))
        figure.supxlabel("measured test accuracy")
        figure.supylabel("predicted")
        facts = result.facts
        figure.suptitle(f"{facts.words}: {facts.unit.zoo}, {facts.unit.arm}, seed {facts.unit.seed}")
        _save(figure, path)


def learning_curve(lines: Sequence[Line], path: Path) -> None:
    """R2 on unseen architectures over the number of training architectures; bars are the spread over seeds."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for method in dict.fromkeys(line.method for line in lines):
            mine = [line for line in lines if line.method == method and line.arm in (*SHARES, "full")]
            points = sorted(
                (line.train_architectures, line.everything.r2.mean, line.everything.r2.spread)
                for line in mine
                if line.everything.r2 is not None
            )
            if len(points) > 1:
                counts, means, spreads = zip(*points, strict=True)
                axes.errorbar(counts, means, yerr=spreads, marker="o", markersize=3, capsize=2, label=mine[0].words)
        axes.set(xscale="log", xlabel="training architectures", ylabel="R2, unseen architectures", ylim=(-0.2, 1))
        axes.grid(visible=True, which="both", linewidth=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7)
        _save(figure, path)


def _panel(axes: Axes, result: Result, family: str) -> None:
    """Points are a bitmap inside the SVG: thousands of circles would make a large file."""
    mine = result.snapshots.family == family
    for finals, colour in ((False, "tab:blue"), (True, "black")):
        chosen = mine & (result.snapshots.is_final == finals)
        axes.scatter(
            result.snapshots.accuracy[chosen],
            result.accuracy[chosen],
            s=3,
            alpha=0.4,
            color=colour,
            linewidths=0,
            rasterized=True,
        )
    axes.plot((0, 1), (0, 1), linewidth=0.6, color="grey")
    axes.set(title=f"{family} ({int(mine.sum())})", xlim=(0, 1), ylim=(0, 1), aspect="equal")


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", dpi=_DOTS_PER_INCH, metadata={"Date": None})
