"""The model card: written from the numbers, so that it cannot say anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.predictor import PredictorConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a card is made of. `metrics` is the content of metrics.json."""

    config: PredictorConfig
    parameters: int
    metrics: Mapping
    """As `python -m models.evaluation` wrote it."""


def card(facts: Facts) -> str:
    """The card in Markdown."""
    config, metrics = facts.config, facts.metrics
    zoo, split = metrics["zoo"], metrics["split"]
    recipe, name = zoo["recipe"], f"{config.name}-v{config.version}"
    sections = [
        f"# {name}",
        f"{config.title}, from the weights alone. Generated from `metrics.json` by `python -m models.evaluation`.",
        "## What it knows",
        f"{config.domain}.",
        "It answers only for networks of this task: another input or output, less than"
        f" {config.task.coverage:.0%} of the parameters in the graph, more than {config.task.edges} edges or"
        f" {config.task.blocks} blocks, weights that are not finite, or a domain score"
        f" of {config.threshold} or more make it abstain. Of the test networks below, which are inside, it answers"
        f" {metrics['answered_in_domain']:.1%}.",
        "It has only seen networks that were honestly trained on CIFAR-10. Weights that were damaged, shuffled or drawn"
        " at random on purpose, and networks trained for another ten classes, are not reliably told apart from them,"
        " and its intervals do not hold for them. Changes that keep a network's accuracy but not its graph move the"
        " answer: rescaling the neurons of a ReLU network, scaling the logits, a softmax at the end.",
        "The gap is train accuracy, on the labels as trained on (noise included), minus test accuracy.",
        "## Method",
        f"Graph metanetwork (Lim et al. 2024) with {facts.parameters} parameters, {config.metanetwork.rounds} rounds of"
        " messages both ways over node, edge and global features; node and block features include statistics of the"
        " weights. Trained with binary cross-entropy on the test accuracy and a Huber loss on the gap.",
        "## Data",
        _data(zoo),
        _split(split),
        "## Scores on unseen architectures: test accuracy",
        _table(metrics["test_accuracy"]["unseen_architectures"]),
        "Tau is Kendall's tau-b; the ceiling is what a perfect ranker would get, since measured accuracies tie.",
        "### By family (R2 / tau)",
        _families(metrics["test_accuracy"]["unseen_architectures"]),
    ]
    sections += [
        "### Seen and unseen architectures",
        "The metanetwork on each part of the split; the distance between the first line and the others is overfitting.",
        _table(metrics["test_accuracy"]["parts"]),
    ]
    evaluated = f"python -m models.evaluation zoos/{recipe['name']} models/pretrained/{name}\n"
    if metrics["test_accuracy"]["unseen_runs"]:
        evaluated = f"python -m models.training zoos/{recipe['name']} runs/{name} --by run\n" + evaluated.replace(
            f"{name}\n", f"{name} --by-run runs/{name}\n"
        )
        sections += [
            "## Scores on unseen runs: test accuracy",
            "The same architectures were trained on, in other runs. This is the easier question; the metanetwork was"
            " fitted to that split.",
            _table(metrics["test_accuracy"]["unseen_runs"]),
        ]
    sections += [
        "## Scores on unseen architectures: generalization gap",
        _table(metrics["generalization_gap"]["unseen_architectures"]),
        "## Intervals",
        _intervals(metrics["intervals"]),
        "## Reproduce",
        "```\n"
        f"python -m models.zoo make {recipe['name']} --data CIFAR10\n"
        f"python -m models.training zoos/{recipe['name']} models/pretrained/{name}\n{evaluated}"
        "```",
    ]
    return "\n\n".join(sections) + "\n"


def _table(lines: Sequence[Mapping]) -> str:
    rows = ["| method | R2 | tau | ceiling | MAE | R2, finals | tau, finals |", "|---|---|---|---|---|---|---|"]
    for line in lines:
        everything, finals = line["everything"], line["finals"]
        numbers = [everything[key] for key in ("r2", "tau", "tau_ceiling", "mae")] + [finals["r2"], finals["tau"]]
        rows.append(f"| {line['method']} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |")
    return "\n".join(rows)


def _families(lines: Sequence[Mapping]) -> str:
    names = list(lines[0]["families"])
    rows = ["| method | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for line in lines:
        cells = (f"{line['families'][name]['r2']:.2f} / {line['families'][name]['tau']:.2f}" for name in names)
        rows.append(f"| {line['method']} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _intervals(intervals: Mapping) -> str:
    families = list(next(iter(intervals.values()))["families"])
    rows = [
        "| property | nominal | measured | mean width | " + " | ".join(families) + " |",
        "|---" * (4 + len(families)) + "|",
    ]
    for name, each in intervals.items():
        cells = " | ".join(f"{each['families'][family]:.3f}" for family in families)
        head = f"{each['nominal']:.2f} | {each['measured']:.3f} | {each['mean_width']:.3f}"
        rows.append(f"| {name.replace('_', ' ')} | {head} | {cells} |")
    return "\n".join(rows)


def _data(zoo: Mapping) -> str:
    recipe = zoo["recipe"]
    quantiles = ", ".join(f"{quantile:.3f}" for quantile in zoo["test_accuracy_quantiles"])
    return (
        f"Zoo `{recipe['name']}` (recipe digest `{zoo['digest']}`): {zoo['snapshots']} snapshots of {zoo['runs']} runs"
        f" over {zoo['architectures']} architectures, families {_counts(zoo['families'])}. Test accuracy was measured"
        f" on {recipe['test_images']} test images, train accuracy on {recipe['train_images']} training images."
        f" Quantiles 0, 10, 25, 50, 75, 90, 100 % of the test accuracy: {quantiles}."
    )


def _split(split: Mapping) -> str:
    parts = "; ".join(
        f"{part} {split[part]['snapshots']} snapshots of {split[part]['architectures']} architectures"
        for part in ("train", "calibration", "test")
    )
    return f"Split by architecture (seed {split['seed']}): {parts}."


def _counts(families: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in families.items())
