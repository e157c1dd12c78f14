"""All baselines by the short names that commands know them by, cheap ones first."""

from collections.abc import Mapping

from models.baselines.baseline import Method
from models.baselines.boosting import Boosting
from models.baselines.deep_sets import DeepSets
from models.baselines.dmc import Dmc
from models.baselines.neural import Neural
from models.baselines.power_law import Alpha
from models.baselines.rows import (
    architecture_only,
    probe_answers,
    probe_answers_and_rich_statistics,
    probe_answers_without_order,
    recipe_only,
    rich_statistics,
    weight_statistics,
)

METHODS: Mapping[str, Method] = {
    "alpha": Method(name="WeightWatcher alpha", baseline=Alpha(), ranks_only=True),
    "weighted-alpha": Method(name="WeightWatcher weighted alpha", baseline=Alpha(weighted=True), ranks_only=True),
    "architecture": Method(name="architecture only", baseline=Boosting(rows=architecture_only)),
    "recipe": Method(name="architecture, recipe and step", baseline=Boosting(rows=recipe_only)),
    "statnn": Method(name="weight statistics (StatNN)", baseline=Boosting(rows=weight_statistics)),
    "rich": Method(name="rich statistics", baseline=Boosting(rows=rich_statistics)),
    "probes-unordered": Method(
        name="probes, class order not used",
        baseline=Boosting(rows=probe_answers_without_order),
        needs_responses=True,
    ),
    "probes": Method(
        name="probes, class order used",
        baseline=Boosting(rows=probe_answers),
        needs_responses=True,
    ),
    "probes-rich": Method(
        name="probes and rich statistics",
        baseline=Boosting(rows=probe_answers_and_rich_statistics),
        needs_responses=True,
    ),
    "deepsets": Method(name="DeepSets over parameters", baseline=Neural(make=DeepSets)),
    "dmc": Method(name="DMC over flattened weights", baseline=Neural(make=Dmc)),
}
