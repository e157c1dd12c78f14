"""A job as Redis keeps it: one hash, every field a string, absent fields left out."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from metagauge.contract import Declarations, JobStatus, Stage
from metagauge.declarations import NOTHING, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job has no report: the `code` and message of an error of `metagauge.errors`."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file of an upload, in the blob store under its sha256."""

    filename: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job. `report` is the JSON of `metagauge.contract.Report`; `sidecar` the sha256 of what was sent beside it.

    A network may have come in several `files`, the main one first; `sha256` is then that of all of them.
    """

    id: str
    status: JobStatus
    stage: Stage | None = None
    progress: float = 0.0
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    filename: str
    sha256: str
    size_bytes: int
    files: tuple[StoredFile, ...] = ()
    sidecar: str | None = None
    declared: Declarations = NOTHING
    predictor: str
    predictor_version: int
    cached: bool = False
    report: str | None = None
    failure: Failure | None = None

    @property
    def parts(self) -> tuple[StoredFile, ...]:
        """The files to read: several, or the one."""
        return self.files or (StoredFile(filename=self.filename, sha256=self.sha256, size_bytes=self.size_bytes),)

    @property
    def identity(self) -> str:
        """What the report depends on: content, sidecar, declarations, predictor and its version."""
        texts = written(self.declared)
        declared = f":{hashlib.sha256(json.dumps(texts).encode()).hexdigest()}" if texts else ""
        return f"{self.predictor}-v{self.predictor_version}:{self.sha256}:{self.sidecar or '-'}{declared}"


def joint_sha256(files: Sequence[StoredFile]) -> str:
    """The digest of several files together: of their names and digests, whatever their order."""
    lines = sorted(f"{file.sha256} {file.filename}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def now() -> datetime:
    """The current moment, in UTC."""
    return datetime.now(UTC)


def encode(record: JobRecord) -> dict[str, str]:
    """The fields of the hash."""
    fields = {
        "id": record.id,
        "status": record.status.value,
        "stage": record.stage and record.stage.value,
        "progress": repr(record.progress),
        "created_at": record.created_at.isoformat(),
        "started_at": record.started_at and record.started_at.isoformat(),
        "finished_at": record.finished_at and record.finished_at.isoformat(),
        "attempts": str(record.attempts),
        "filename": record.filename,
        "sha256": record.sha256,
        "size_bytes": str(record.size_bytes),
        "files": json.dumps([[file.filename, file.sha256, file.size_bytes] for file in record.files]),
        "sidecar": record.sidecar,
        "declared": record.declared.model_dump_json(),
        "predictor": record.predictor,
        "predictor_version": str(record.predictor_version),
        "cached": str(int(record.cached)),
        "report": record.report,
        "failure_code": record.failure and record.failure.code,
        "failure_detail": record.failure and record.failure.detail,
    }
    return {name: value for name, value in fields.items() if value is not None}


def decode(fields: Mapping[str, str]) -> JobRecord:
    """The job whose hash holds `fields`."""
    stage, code = fields.get("stage"), fields.get("failure_code")
    return JobRecord(
        id=fields["id"],
        status=JobStatus(fields["status"]),
        stage=None if stage is None else Stage(stage),
        progress=float(fields["progress"]),
        created_at=datetime.fromisoformat(fields["created_at"]),
        started_at=_moment(fields.get("started_at")),
        finished_at=_moment(fields.get("finished_at")),
        attempts=int(fields["attempts"]),
        filename=fields["filename"],
        sha256=fields["sha256"],
        size_bytes=int(fields["size_bytes"]),
        files=tuple(
            StoredFile(filename=name, sha256=sha256, size_bytes=size)
            for name, sha256, size in json.loads(fields.get("files", "[]"))
        ),
        sidecar=fields.get("sidecar"),
        declared=Declarations.model_validate_json(fields.get("declared", "{}")),
        predictor=fields["predictor"],
        predictor_version=int(fields["predictor_version"]),
        cached=fields["cached"] == "1",
        report=fields.get("report"),
        failure=None if code is None else Failure(code=code, detail=fields["failure_detail"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
