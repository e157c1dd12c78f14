"""A picture of a zoo: how accurate the networks of each family are, early and at the end of their training."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from models.zoo.store import Entry

BINS = 40
"""Bars from an accuracy of 0 to 1."""
_COLOURS = ("#9db8d2", "#1f4e79")


def draw_accuracies(entries: Sequence[Entry], title: str, path: Path) -> None:
    """Writes an SVG with a histogram of test accuracies for each family; the same zoo gives the same bytes."""
    families = sorted({entry.family for entry in entries})
    with mpl.rc_context({"svg.hashsalt": "zoo", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 0.5 + 0.8 * len(families)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(families), sharex=True))
        edges = np.linspace(0, 1, BINS + 1)
        for family, plot in zip(families, axes, strict=True):
            mine = [entry for entry in entries if entry.family == family]
            finals = np.histogram([each.test_accuracy for each in mine if each.is_final], edges)[0]
            everything = np.histogram([each.test_accuracy for each in mine], edges)[0]
            plot.stairs(everything, edges, fill=True, color=_COLOURS[0], label="all snapshots")
            plot.stairs(finals, edges, fill=True, color=_COLOURS[1], label="finals")
            plot.set_ylabel(family, rotation=0, ha="right", va="center")
            plot.spines[["top", "right"]].set_visible(False)
            plot.locator_params(axis="y", nbins=2)
            plot.axvline(0.1, color="0.5", linewidth=0.8, linestyle=":")
        axes[0].legend(loc="upper right", frameon=False)
        axes[0].set_title(title, loc="left")
        axes[-1].set_xlabel("test accuracy (dotted: chance)")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
