"""The wire contract: what travels between service, worker, client and web page as JSON."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """Base of all messages: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JobStatus(StrEnum):
    """Where a job is in its life. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    DEAD = "dead"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class Stage(StrEnum):
    """What a running job is doing; the order is the order of the work."""

    SNIFF = "sniff"
    READ = "read"
    INFER = "infer"
    BUILD = "build"
    PREDICT = "predict"
    REPORT = "report"


class Problem(BaseModel):
    """RFC 9457 problem details with a stable `code`."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str


class PredictorRef(Wire):
    """Which predictor answered."""

    name: str
    version: int


class Estimate(Wire):
    """A predicted property.

    `coverage` is nominal: the share of intervals that hold the true value where networks are like those of the zoo's
    calibration. What was measured on unseen architectures, by family, is on the predictor's card.
    """

    value: float
    interval: tuple[float, float]
    coverage: float


class Predictions(Wire):
    """Properties as fractions of one. The gap is train accuracy minus test accuracy."""

    test_accuracy: Estimate
    generalization_gap: Estimate


class NearestNetwork(Wire):
    """A network that the predictor learned from and that is close to this one.

    `description` says in a few words what it is, `test_accuracy` what was measured of it. Distances are in the
    predictor's own measure, and comparable within one report only.
    """

    family: str
    description: str
    test_accuracy: float
    distance: float


class Domain(Wire):
    """Whether the predictor knows this kind of network. `score` at or above `threshold` is outside.

    `nearest` are the closest of the networks that it learned from, the closest first.
    """

    in_domain: bool
    score: float | None = None
    threshold: float | None = None
    reasons: tuple[str, ...] = ()
    nearest: tuple[NearestNetwork, ...] = ()


class Stability(Wire):
    """How far the predicted test accuracy moved, at most, under changes that leave the network's function as it is.

    `permutation`: hidden neurons in another order. `rescale`: neurons scaled up, and what reads them scaled down. Null
    is a change that was not tried; 1, the most an accuracy can move, stands for a prediction that was withheld.
    """

    permutation: float | None = None
    rescale: float | None = None


class CheckpointSummary(Wire):
    """What the file holds. `tensors_digest` names the tensors, whatever the file around them looks like.

    `parameters` are the elements of float tensors, without scalars and constants of the wiring, and of integer tensors
    that are used as weights, unpacked where several share a byte, without their scales and zero points.
    """

    format: str
    tensors_digest: str
    parameters: int
    dtypes: dict[str, int]


Setting = bool | int | float | str | tuple[int, ...] | tuple[tuple[int, int], ...]
"""A number, a name, or one of either for each axis; padding is (before, after) for each axis."""


class LayerSummary(Wire):
    """One layer of the architecture, or one parameter block.

    `settings` are what a layer is beside its weights: function and slope, kernel, stride, padding, groups, epsilon.
    """

    name: str
    kind: str
    settings: dict[str, Setting] = Field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    parameters: int = 0


class UnsupportedSummary(Wire):
    """A piece of the file that no layer kind stands for."""

    operator: str
    name: str
    tensors: tuple[str, ...] = ()


class ArchitectureSummary(Wire):
    """The structure that was read. `coverage` is the share of the checkpoint's parameters that the graph represents.

    `provenance` is the rung of the ladder on which the structure was found. `digest` names the canonical graph: equal
    for files that hold the same function. Of `layer_count` layers the first ones are in `layers`.
    """

    provenance: str
    assumed: tuple[str, ...] = ()
    family: str
    coverage: float
    digest: str | None = None
    layer_count: int = 0
    layers: tuple[LayerSummary, ...] = ()
    unsupported: tuple[UnsupportedSummary, ...] = ()


class FindingMessage(Wire):
    """An observation about the checkpoint, from the reader or from the graph."""

    rule: str
    level: str
    message: str
    layer: str | None = None
    value: float | None = None


class Declarations(Wire):
    """What the user says about a network's inputs and outputs; null is what was left open.

    The network reads (pixel / 255 - mean) / std for each of the channels red, green and blue. `class_order` has the
    name of the class of each output in turn.
    """

    input_mean: tuple[float, float, float] | None = None
    input_std: tuple[float, float, float] | None = None
    class_order: tuple[str, ...] | None = None


Basis = Literal["weights and probes", "weights only"]
"""What a prediction was made from: the weights and what the network answers to probe images, or the weights alone."""


class Report(Wire):
    """The answer. `predictions` is null where the predictor abstains; `domain.reasons` then says why.

    `assumptions` are what had to be taken for granted about inputs and outputs, in words, or why a network was not run;
    `declared` is what had not.
    """

    predictor: PredictorRef
    predictions: Predictions | None
    basis: Basis | None = None
    assumptions: tuple[str, ...] = ()
    declared: Declarations = Declarations()
    domain: Domain
    stability: Stability | None = None
    checkpoint: CheckpointSummary
    architecture: ArchitectureSummary
    findings: tuple[FindingMessage, ...] = ()
    timings_s: dict[str, float] = Field(default_factory=dict)


class FilePart(Wire):
    """One of the files of a network that came in several."""

    filename: str
    sha256: str
    size_bytes: int


class Job(Wire):
    """One request to judge one checkpoint.

    Of a network in several files, `filename` is that of its index or model, `size_bytes` their sum and `sha256` the
    digest of their names and digests.
    """

    id: str
    status: JobStatus
    stage: Stage | None = None
    progress: float = Field(default=0.0, ge=0.0, le=1.0)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    filename: str
    sha256: str
    size_bytes: int
    files: tuple[FilePart, ...] = ()
    predictor: str
    cached: bool = False
    report: Report | None = None
    problem: Problem | None = None


class JobPage(Wire):
    """Jobs, newest first; pass `next_cursor` as `cursor` for the following page."""

    jobs: tuple[Job, ...]
    next_cursor: str | None = None


class PredictorSummary(Wire):
    """What is served: the domain in words and the scores on unseen architectures."""

    name: str
    version: int
    title: str
    domain: str
    scores: dict[str, float]
