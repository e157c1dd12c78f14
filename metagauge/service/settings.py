"""What an operator can set: environment variables named `METAGAUGE_...`, and `REDIS_URL`."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024**2
DAY_S = 24 * 3600


class Settings(BaseSettings):
    """Read from the environment once, where a process starts. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="METAGAUGE_", frozen=True, extra="ignore", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8000
    state_dir: Path = Path(".var")
    """Everything the service keeps: the queue's log, the blobs."""
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    """A Redis to use; without one the embedded server is started on a socket in `state_dir`."""
    blob_url: str | None = None
    """An fsspec URL for uploaded files; `state_dir`/blobs by default."""
    pretrained_dir: Path = Path("models/pretrained")
    predictor: str = "cifar10-accuracy"
    """The predictor of a request that names none."""

    upload_bytes: int = 2048 * MIB
    """Of one file."""
    network_bytes: int = 8192 * MIB
    """Of all files of one network."""
    sidecar_bytes: int = 4 * MIB
    batch_files: int = 32
    queue_limit: int = 1000
    """Jobs waiting or running, above which new ones are refused."""
    job_ttl_s: int = 7 * DAY_S
    """How long a finished job can be looked up."""
    result_ttl_s: int = 7 * DAY_S
    """How long a report answers the same upload again."""
    blob_ttl_s: int = 7 * DAY_S
    """How long uploaded bytes are kept; a job that waits longer than this cannot be read any more."""
    idempotency_ttl_s: int = DAY_S

    worker_threads: int = Field(default=min(4, os.cpu_count() or 1), ge=1)
    max_deliveries: int = 3
    """How often a job may be started before a worker that keeps dying over it is blamed on the job."""
    read_deadline_s: float = 60.0
    predict_deadline_s: float = 60.0
    """How long a job waits for its prediction."""

    @property
    def state(self) -> Path:
        """`state_dir` as an absolute path."""
        return self.state_dir.absolute()

    @property
    def blobs(self) -> str:
        """Where uploaded bytes are."""
        return self.blob_url or str(self.state / "blobs")
