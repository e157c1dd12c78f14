"""The report: what a job found out, as the user sees it."""

from dataclasses import dataclass
from math import prod

from metagauge.architecture.architecture import Architecture, Operation, Unsupported
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.finding import Finding
from metagauge.contract import (
    ArchitectureSummary,
    Domain,
    Estimate,
    FindingMessage,
    LayerSummary,
    Predictions,
    PredictorRef,
    Report,
    UnsupportedSummary,
)
from metagauge.graph.parameter_graph import ParameterGraph
from models.prediction import Interval, Prediction
from worker.reading.outcome import Reading
from worker.reading.sandbox import Read

SHOWN_PIECES = 100
SHOWN_TENSORS = 20
"""Of what is unsupported, and of each piece of it: a report is kept for days and listed with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One checkpoint, all the way through."""

    predictor: PredictorRef
    read: Read
    graph: ParameterGraph
    prediction: Prediction
    timings_s: dict[str, float]


def report(judged: Judged) -> Report:
    """The report on `judged`."""
    reading, prediction = judged.read.reading, judged.prediction
    return Report(
        predictor=judged.predictor,
        predictions=_predictions(prediction),
        domain=Domain(
            in_domain=prediction.in_domain,
            score=prediction.score,
            threshold=prediction.threshold,
            reasons=prediction.reasons,
        ),
        checkpoint=reading.summary,
        architecture=_architecture(reading, judged.graph, judged.read.checkpoint),
        findings=tuple(_finding(finding) for finding in reading.findings),
        timings_s={**reading.timings_s, **judged.timings_s},
    )


def _predictions(prediction: Prediction) -> Predictions | None:
    accuracy, gap = prediction.test_accuracy, prediction.generalization_gap
    if accuracy is None or gap is None:
        return None
    return Predictions(test_accuracy=_estimate(accuracy), generalization_gap=_estimate(gap))


def _estimate(interval: Interval) -> Estimate:
    return Estimate(value=interval.value, interval=(interval.low, interval.high), coverage=interval.coverage)


def _architecture(reading: Reading, graph: ParameterGraph, checkpoint: Checkpoint) -> ArchitectureSummary:
    architecture: Architecture = reading.architecture
    return ArchitectureSummary(
        provenance=architecture.provenance.rung,
        assumed=architecture.provenance.assumed,
        family=graph.family,
        coverage=reading.coverage,
        layers=tuple(_layer(operation, checkpoint) for operation in architecture.operations),
        unsupported=_unsupported(architecture.unsupported),
    )


def _unsupported(pieces: tuple[Unsupported, ...]) -> tuple[UnsupportedSummary, ...]:
    """The first pieces, and the first tensors of each; the last one says how many there are if not all are shown."""
    shown = tuple(
        UnsupportedSummary(operator=piece.operator, name=piece.name, tensors=piece.tensors[:SHOWN_TENSORS])
        for piece in pieces[:SHOWN_PIECES]
    )
    if len(pieces) <= SHOWN_PIECES:
        return shown
    return (*shown, UnsupportedSummary(operator="more", name=f"{len(pieces) - SHOWN_PIECES} further pieces"))


def _layer(operation: Operation, checkpoint: Checkpoint) -> LayerSummary:
    """`shape` is that of the first parameter, the weight."""
    shapes = tuple(parameter_shape(parameter, checkpoint) for parameter in layer_parameters(operation.layer))
    return LayerSummary(
        name=operation.name,
        kind=operation.layer.kind,
        inputs=operation.inputs,
        shape=shapes[0] if shapes else (),
        parameters=sum(prod(shape) for shape in shapes),
    )


def _finding(finding: Finding) -> FindingMessage:
    return FindingMessage(
        rule=finding.rule, level=finding.level, message=finding.message, layer=finding.layer, value=finding.value
    )
