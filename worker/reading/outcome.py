"""What the reading child leaves behind, as JSON: a reading, or a refusal."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from metagauge.architecture.architecture import Architecture
from metagauge.checkpoint.finding import Finding
from metagauge.contract import CheckpointSummary

OUTCOME = "outcome.json"
TENSORS = "tensors.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the file holds. `coverage` is the share of its parameters that the architecture uses."""

    kind: Literal["reading"] = "reading"
    architecture: Architecture
    summary: CheckpointSummary
    coverage: float
    findings: tuple[Finding, ...] = ()
    tensors: Literal["upload", "copy"]
    """"upload": in the uploaded file, which is safetensors; "copy": in the file `TENSORS`, under the same names."""
    timings_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error of `metagauge.errors`, by its code."""

    kind: Literal["refusal"] = "refusal"
    code: str
    message: str


Outcome = Annotated[Reading | Refusal, Field(discriminator="kind")]
ADAPTER: TypeAdapter[Reading | Refusal] = TypeAdapter(Outcome)
