"""The scorecard's tables."""

from collections.abc import Iterable, Iterator, Sequence

from models.evaluation.arms import FAMILY, SHARES
from models.evaluation.scorecard import Figure, Figures, Line
from models.evaluation.table import Table

ARMS = {
    "full": "unseen architectures",
    "run": "unseen runs of known architectures",
    "half": "unseen architectures, 50 % of the training architectures",
    "quarter": "unseen architectures, 25 % of the training architectures",
    "ten": "unseen architectures, 10 % of the training architectures",
    "five": "unseen architectures, 5 % of the training architectures",
    "ood-width": "fitted to narrow architectures, strictly wider ones",
    FAMILY: "each family left out in turn",
}
MISSING = "–"
_REMARK = (
    "Mean over the seeds of fitting, ± the standard deviation. Tau is Kendall's tau-b; the ceiling is what a perfect"
    " ranker gets, since measured accuracies tie. Within strata: tau among snapshots of the same step and length of"
    " training, averaged. CPU minutes are those of a unit's process; of a fit that was kept, only those of reading it."
)


def tables_of(lines: Sequence[Line]) -> Iterator[Table]:
    """All tables: for each zoo its arms, its families, what little data does, the gap and what fitting costs."""
    for zoo in sorted({line.zoo for line in lines}):
        mine = [line for line in lines if line.zoo == zoo]
        for arm, words in ARMS.items():
            rows = ordered(line for line in mine if line.arm == arm)
            if rows:
                yield scores_table(f"{zoo}: test accuracy, {words}", rows)
        for arm in ("full", "run", FAMILY):
            rows = ordered(line for line in mine if line.arm == arm)
            if rows and len({name for line in rows for name in line.families}) > 1:
                yield families_table(f"{zoo}: test accuracy by family, {ARMS[arm]} (R2 / tau)", rows)
        if any(line.arm in SHARES for line in mine):
            yield curve_table(f"{zoo}: R2 over the number of training architectures", mine)
        gaps = ordered(line for line in mine if line.arm == "full" and line.gap is not None)
        if gaps:
            yield gap_table(f"{zoo}: generalization gap, {ARMS['full']}", gaps)


def ordered(lines: Iterable[Line]) -> list[Line]:
    """Baselines first, and worse before better."""
    return sorted(lines, key=lambda line: (line.kind != "baseline", line.everything.tau.mean))


def scores_table(title: str, lines: Sequence[Line]) -> Table:
    """Pooled, finals alone, within strata."""
    head = ("method", "R2", "tau", "ceiling", "MAE", "R2, finals", "tau, finals", "ceiling", "tau, strata", "ceiling")
    rows = []
    for line in lines:
        strata = (MISSING, MISSING) if line.strata is None else (_of(line.strata.tau), _short(line.strata.tau_ceiling))
        rows.append(
            (
                line.words,
                *(_of(line.everything.r2), _of(line.everything.tau), _short(line.everything.tau_ceiling)),
                _of(line.everything.mae),
                *(_of(line.finals.r2), _of(line.finals.tau), _short(line.finals.tau_ceiling)),
                *strata,
                *(str(len(line.seeds)), f"{line.cpu_s.mean / 60:.1f}"),
            )
        )
    first = lines[0]
    remark = (
        f"{first.everything.count} snapshots of {first.test_architectures} architectures ({first.finals.count} finals),"
        f" fitted to {first.train_snapshots} snapshots of {first.train_architectures} architectures. {_REMARK}"
    )
    return Table(title=title, header=(*head, "seeds", "CPU min"), rows=tuple(rows), remark=remark)


def families_table(title: str, lines: Sequence[Line]) -> Table:
    """R2 and tau of each family."""
    names = sorted({name for line in lines for name in line.families})
    counts = {name: line.families[name].count for line in lines for name in line.families}
    rows = tuple((line.words, *(_pair(line.families.get(name)) for name in names)) for line in lines)
    return Table(title=title, header=("method", *(f"{name} ({counts[name]})" for name in names)), rows=rows)


def curve_table(title: str, lines: Sequence[Line]) -> Table:
    """R2 and tau on the same test networks, by the number of training architectures."""
    arms = (*sorted(SHARES, key=lambda each: SHARES[each]), "full")
    counts = {line.arm: line.train_architectures for line in lines}
    arms = tuple(arm for arm in arms if arm in counts)
    rows = []
    for method in dict.fromkeys(line.method for line in ordered(line for line in lines if line.arm in arms)):
        mine = {line.arm: line for line in lines if line.method == method}
        words = next(iter(mine.values())).words
        rows.append((words, *(_pair(mine[arm].everything if arm in mine else None) for arm in arms)))
    header = ("method", *(f"{counts[arm]} ({SHARES.get(arm, 1.0):.0%})" for arm in arms))
    return Table(title=f"{title} (R2 / tau)", header=header, rows=tuple(rows))


def gap_table(title: str, lines: Sequence[Line]) -> Table:
    """Scores of the generalization gap."""
    gaps = [(line.words, line.gap) for line in lines if line.gap is not None]
    rows = tuple((words, _of(gap.r2), _of(gap.tau), _short(gap.tau_ceiling), _of(gap.mae)) for words, gap in gaps)
    return Table(title=title, header=("method", "R2", "tau", "ceiling", "MAE"), rows=rows)


def _pair(figures: Figures | None) -> str:
    if figures is None:
        return MISSING
    r2 = MISSING if figures.r2 is None else _short(figures.r2.mean)
    return f"{r2} / {_short(figures.tau.mean)}"


def _of(figure: Figure | None) -> str:
    if figure is None:
        return MISSING
    return _short(figure.mean) + (f" ±{figure.spread:.3f}" if figure.spread else "")


def _short(number: float) -> str:
    return f"{number:.3f}"
