"""What the reading child leaves behind, as JSON: a reading, or a refusal."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from metagauge.checkpoint.finding import Finding
from metagauge.contract import ArchitectureSummary, CheckpointSummary
from worker.reading.handover import StoredGraph
from worker.reading.stored_network import StoredNetwork

OUTCOME = "outcome.json"
MORE = "more.bin"
"""The file of the arrays that are in no uploaded file."""


class Reading(BaseModel):
    """What the files hold, and the parameter graph that was built of it; the network too if it may be executed."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    kind: Literal["reading"] = "reading"
    summary: CheckpointSummary
    architecture: ArchitectureSummary
    findings: tuple[Finding, ...] = ()
    graph: StoredGraph
    network: StoredNetwork | None = None
    timings_s: dict[str, float]


class Refusal(BaseModel):
    """An error of `metagauge.errors`, by its code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["refusal"] = "refusal"
    code: str
    message: str


Outcome = Annotated[Reading | Refusal, Field(discriminator="kind")]
ADAPTER: TypeAdapter[Reading | Refusal] = TypeAdapter(Outcome)
