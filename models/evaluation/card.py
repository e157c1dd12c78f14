"""The model card: written from the numbers, so that it cannot say anything else."""

from collections.abc import Iterator, Mapping, Sequence

from models.evaluation.moves import Moves
from models.evaluation.published import FOLDS, Measures, NetworkFacts, Served
from models.evaluation.scorecard import Line
from models.evaluation.scores import Scores
from models.evaluation.table import Table
from models.evaluation.tables import ARMS, MISSING, families_table, ordered, scores_table
from models.predictor import PredictorConfig


def card(config: PredictorConfig, measures: Measures) -> str:
    """The card in Markdown."""
    name = f"{config.name}-v{config.version}"
    sections = [
        f"# {name}",
        f"{config.title}. Generated from `metrics.json` by `python -m models.evaluation card`.",
        "## What it knows, and when it refuses",
        f"{config.domain}.",
        _refusals(config, measures),
        "The gap is train accuracy, on the labels as trained on (noise included), minus test accuracy.",
        "## Method",
        _method(config, measures),
        "## Data",
        _data(measures),
        "## Scores of the served predictor: test accuracy",
        "On each part of the split by architecture; the distance between the first line and the others is overfitting.",
        *_served(measures.test_accuracy),
        "## Scores of the served predictor: generalization gap",
        *_served(measures.generalization_gap),
        "## Intervals",
        "Measured on the networks that the predictor answers.",
        _intervals(measures),
        *_beside(measures.scorecard),
        *_moved(measures.moves),
        "## Reproduce",
        _reproduce(name, measures),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def moves_table(title: str, moves: Sequence[Moves]) -> Table:
    """How far the predicted accuracy moves under each change."""
    rows = tuple(
        (
            each.change,
            str(each.networks),
            _number(each.mean, 4),
            _number(each.largest, 4),
            str(each.not_applicable),
            str(each.abstained),
        )
        for each in moves
    )
    header = ("change", "networks", "mean move", "largest move", "not applicable", "not predicted")
    return Table(title=title, header=header, rows=rows, remark="Moves of the predicted test accuracy, fractions of 1.")


def _refusals(config: PredictorConfig, measures: Measures) -> str:
    task = config.task
    return (
        f"It abstains, with reasons, from networks of another input or output, with less than {task.coverage:.0%} of"
        f" the parameters in the graph, more than {task.edges} edges or {task.blocks} blocks, weights that are not"
        f" finite, or a domain score of {config.hybrid.threshold:.3f} or more ({config.weights.threshold:.3f} where it"
        " looks at weights only). Of the test networks below, which are inside, it answers"
        f" {measures.answered_in_domain:.1%}."
    )


def _method(config: PredictorConfig, measures: Measures) -> str:
    return (
        "A network that can be executed is shown synthetic probe images, drawn and learned; what its neurons and it"
        " itself answer goes, with its weights, into a metanetwork on the parameter graph (after Lim et al. 2024) of"
        f" matrix-product messages: `{config.hybrid.metanetwork}`. Of any other only the weights are judged:"
        f" `{config.weights.metanetwork}`. `model.safetensors` holds {measures.weights.numbers} numbers in"
        f" {measures.weights.size_bytes / 1e6:.1f} MB, probe images, domain and comparisons included. It takes for"
        f" granted, where nothing else is declared, pixels normalised by mean {config.convention.mean} and standard"
        f" deviation {config.convention.spread}, and CIFAR-10's order of classes."
    )


def _data(measures: Measures) -> str:
    zoos = " ".join(f"Zoo `{zoo.name}` has {zoo.jobs} jobs (recipe digest `{zoo.recipe}`)." for zoo in measures.zoos)
    header = (
        "part",
        "snapshots",
        "runs",
        "architectures",
        "of each family",
        "test images",
        "train images",
        "test accuracy, quantiles",
    )
    table = Table(
        title="Networks, and their split by architecture",
        header=header,
        rows=tuple(_networks(facts) for facts in measures.networks),
        remark=(
            "Images are those that accuracies were measured on; train images at most, since some networks were trained"
            " on fewer. Quantiles 0, 10, 25, 50, 75, 90 and 100 %."
        ),
    )
    return f"{zoos}\n\n{table.markdown()}"


def _networks(facts: NetworkFacts) -> tuple[str, ...]:
    families = ", ".join(f"{name} {count}" for name, count in facts.families.items())
    quantiles = ", ".join(f"{quantile:.2f}" for quantile in facts.test_accuracy_quantiles)
    counts = (str(each) for each in (facts.snapshots, facts.runs, facts.architectures))
    images = (str(facts.test_images), str(facts.train_images))
    return (facts.part, *counts, families, *images, quantiles)


def _served(parts: Sequence[Served]) -> Iterator[str]:
    head = ("part", "answered", "R2", "tau", "ceiling", "MAE", "R2, finals", "tau, finals", "tau, strata", "ceiling")
    yield Table(title="By part", header=head, rows=tuple(_part(part) for part in parts)).markdown()
    test = parts[-1]
    yield Table(
        title="By family, unseen architectures",
        header=("family", "snapshots", "R2", "tau", "ceiling", "MAE"),
        rows=tuple((name, str(scores.count), *_scores(scores)) for name, scores in test.families.items()),
    ).markdown()


def _part(part: Served) -> tuple[str, ...]:
    strata = (
        (MISSING, MISSING)
        if part.strata is None
        else (_number(part.strata.tau, 3), _number(part.strata.tau_ceiling, 3))
    )
    finals = (_number(part.finals.r2, 3), _number(part.finals.tau, 3))
    return (part.part, f"{part.answered:.1%}", *_scores(part.everything), *finals, *strata)


def _scores(scores: Scores) -> tuple[str, ...]:
    return tuple(_number(each, 3) for each in (scores.r2, scores.tau, scores.tau_ceiling, scores.mae))


def _intervals(measures: Measures) -> str:
    families = list(measures.intervals["test_accuracy"].families)
    rows = tuple(
        (
            name.replace("_", " "),
            f"{each.nominal:.2f}",
            f"{each.measured:.3f}",
            f"{each.mean_width:.3f}",
            f"{each.test_alone:.3f}",
            f"{each.served:.3f}",
            *(_number(each.families.get(family), 3) for family in families),
        )
        for name, each in measures.intervals.items()
    )
    header = ("property", "nominal", "measured", "mean width", "test part alone", "as served", *families)
    return Table(
        title="Coverage on unseen architectures",
        header=header,
        rows=rows,
        remark=(
            "Intervals are calibrated on all architectures that were not fitted to. To measure how often they hold,"
            f" these are dealt into {FOLDS} folds; the networks of each are covered by what the other folds calibrate."
            " Test part alone: calibrated on the calibration part, counted on the test part. As served: the published"
            " predictor's intervals, on the networks that calibrated them."
        ),
    ).markdown()


def _beside(lines: Sequence[Line]) -> Iterator[str]:
    by_arm: Mapping[str, list[Line]] = {arm: ordered(line for line in lines if line.arm == arm) for arm in ARMS}
    shown = {arm: found for arm, found in by_arm.items() if found}
    if shown:
        yield "## Methods beside each other"
        yield "Fitted to the same networks, with the same care, by `python -m models.evaluation run`."
    for arm, found in shown.items():
        yield scores_table(f"Test accuracy, {ARMS[arm]}", found).markdown()
        if arm == "full" and len(found[0].families) > 1:
            yield families_table(f"By family, {ARMS[arm]} (R2 / tau)", found).markdown()


def _moved(moves: Sequence[Moves]) -> Iterator[str]:
    if moves:
        yield "## Changes that keep the function"
        yield moves_table("Test networks, final snapshots", moves).markdown()


def _reproduce(name: str, measures: Measures) -> str:
    zoos = " ".join(f"zoos/{zoo.name}" for zoo in measures.zoos)
    minutes = sum(line.cpu_s.mean * len(line.seeds) for line in measures.scorecard if ":" not in line.arm) / 60
    called = {line.zoo for line in measures.scorecard} - {"+".join(zoo.name for zoo in measures.zoos)}
    alias = f" --as {min(called)}" if called else ""
    took = f"The scores above took {minutes:.0f} CPU minutes." if measures.scorecard else ""
    commands = [
        *(f"python -m models.zoo make {zoo.name} --data CIFAR10" for zoo in measures.zoos),
        f"python -m models.training models/pretrained/{name} {zoos}",
        f"python -m models.evaluation run {zoos} --out scores{alias}",
        f"python -m models.evaluation moves {zoos} --predictor models/pretrained/{name} --out scores",
        f"python -m models.evaluation card {zoos} --predictor models/pretrained/{name} --out scores{alias}",
    ]
    return "```\n" + "\n".join(commands) + f"\n```\n\n{took}"


def _number(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"
