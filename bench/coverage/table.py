"""The table of outcomes, and what they add up to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from bench.coverage.case import Case
from bench.coverage.outcome import FAULT, TIMEOUT, Outcome
from bench.coverage.status import status_of

COLUMNS = ("file", "verdict", "form", "rung", "coverage", "unsupported, or why not", "s", "MB", "digest", "expected")
ENOUGH = 0.99
"""The share of parameters from which on a file counts as covered."""
_MESSAGE = 120
_DIGEST = 6
"""Letters that are shown of each part of a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case and what became of it."""

    case: Case
    outcome: Outcome

    @property
    def is_expected(self) -> bool | None:
        """Whether the index asked for this; None where it says nothing."""
        expected = self.case.expected
        if expected is None:
            return None
        match expected.verdict:
            case "reject":
                return status_of(self.outcome.verdict) == expected.status
            case "accept_with_finding":
                return self.outcome.is_graph and bool(self.outcome.rules)
            case _:
                return self.outcome.is_graph

    def cells(self) -> tuple[str, ...]:
        """As text, one for each of COLUMNS."""
        found = self.outcome
        return (
            self.case.name,
            found.verdict,
            found.form,
            found.rung,
            _percent(found.coverage) if found.is_graph else "",
            _short("; ".join(found.unsupported) if found.is_graph else found.message),
            f"{found.seconds:.2f}",
            f"{found.peak_mib:.0f}",
            " ".join(part[:_DIGEST] for part in found.digest.split("-")),
            self._expected(),
        )

    def _expected(self) -> str:
        match self.is_expected, self.case.expected:
            case None, _:
                return ""
            case True, _:
                return "yes"
            case _, expected:
                return f"no: {expected.verdict} {expected.status}" if expected else ""


def totals(rows: Sequence[Row]) -> list[str]:
    """What the rows add up to, one sentence each."""
    graphs = [row.outcome for row in rows if row.outcome.is_graph]
    covered = sum(outcome.coverage >= ENOUGH for outcome in graphs)
    found = [
        f"{len(rows)} cases: {len(graphs)} graphs, {covered} of them with at least {ENOUGH:.0%} of the parameters, "
        f"{sum(outcome.coverage >= 1 for outcome in graphs)} with all"
    ]
    refused = Counter(row.outcome.verdict for row in rows if not row.outcome.is_graph)
    if refused:
        found.append("not a graph: " + ", ".join(f"{count} {verdict}" for verdict, count in refused.most_common()))
    faults = sum(refused[verdict] for verdict in (FAULT, TIMEOUT))
    if faults:
        found.append(f"{faults} faults of ours")
    with_config = [row for row in rows if row.case.sidecar is not None]
    if with_config:
        whole = sum(row.outcome.is_graph and row.outcome.unused == 0 for row in with_config)
        found.append(f"with config.json: {whole} of {len(with_config)} graphs that leave no tensor out")
    expected = [row.is_expected for row in rows if row.is_expected is not None]
    if expected:
        found.append(f"as the index expects: {sum(expected)} of {len(expected)}")
    return found + _same(rows)


def _same(rows: Sequence[Row]) -> list[str]:
    """In how many folders all files, in whatever form, became graphs with one digest, or at least one structure."""
    networks: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.case.network:
            digests = networks.setdefault(row.case.network, {})
            digests[row.case.path.name] = row.outcome.digest or digests.get(row.case.path.name, "")
    found = []
    for forms in sorted({len(digests) for digests in networks.values()} - {1}):
        alike = [list(digests.values()) for digests in networks.values() if len(digests) == forms]
        same = sum(len(set(each)) == 1 and all(each) for each in alike)
        shape = sum(len({digest.partition("-")[0] for digest in each}) == 1 and all(each) for each in alike)
        found.append(
            f"one digest for all {forms} forms of a network: {same} of {len(alike)} folders; one structure: {shape}"
        )
    return found


def _percent(share: float) -> str:
    """Rounded down: only all is 100 %."""
    return f"{floor(share * 1000) / 10:.1f}%"


def _short(text: str) -> str:
    """One line of printable characters; names in it may be a stranger's."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= _MESSAGE else line[: _MESSAGE - 1] + "…"
