"""One job, from the uploaded bytes to the report."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from logging import getLogger

from metagauge.contract import Declarations, JobStatus, PredictorRef, Stage
from metagauge.declarations import class_numbers
from metagauge.errors import JobSupersededError, MetagaugeError
from metagauge.service.blobs import BlobStore
from metagauge.service.record import Failure, JobRecord
from models.subject import Declared
from worker.aside import Aside
from worker.predicting import Predictors
from worker.reading.sandbox import Sandbox
from worker.report import Judged, report
from worker.store import JobStore

logger = getLogger(__name__)


DETAIL = 2000
"""Characters of an error that are kept; a file may have put a long name into it."""


def shortened(detail: str) -> str:
    """`detail`, or its beginning."""
    return detail if len(detail) <= DETAIL else f"{detail[:DETAIL]}..."


class Judging:
    """Does jobs. Every step can be done again: nothing is kept before the end, and the end is fenced."""

    def __init__(
        self, store: JobStore, blobs: BlobStore, sandbox: Sandbox, predictors: Predictors, aside: Aside
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._sandbox = sandbox
        self._predictors = predictors
        self._aside = aside

    def run(self, job_id: str, attempt: int) -> None:
        """Does the job as its attempt number `attempt`, and finishes it whichever way it ends."""
        try:
            job = self._store.get(job_id)
            known = self._store.result(job.identity)
            done = known if known is not None else self._judge(job, attempt)
            self._store.succeed(job, attempt, done, cached=known is not None)
        except JobSupersededError as superseded:
            logger.info("%s", superseded)
        except MetagaugeError as error:
            logger.info("job %s refused: %s: %s", job_id, error.code, error)
            failure = Failure(code=error.code, detail=shortened(str(error)))
            self._store.fail(job_id, attempt, JobStatus.FAILED, failure)

    def _judge(self, job: JobRecord, attempt: int) -> str:
        def begin(stage: Stage | None) -> None:
            if stage is not None:
                self._store.advance(job.id, attempt, stage)
            elif not self._store.holds(job.id, attempt):
                raise JobSupersededError(f"job {job.id} is no longer attempt {attempt}'s")

        timings: dict[str, float] = {}

        @contextmanager
        def step(stage: Stage) -> Iterator[None]:
            begin(stage)
            started = time.perf_counter()
            yield
            timings[stage.value] = time.perf_counter() - started

        with ExitStack() as files:
            begin(Stage.SNIFF)
            predictor = self._predictors.find(job.predictor, job.predictor_version)
            uploads = {part.filename: files.enter_context(self._blobs.local(part.sha256)) for part in job.parts}
            sidecar = None if job.sidecar is None else files.enter_context(self._blobs.local(job.sidecar))
            read = files.enter_context(self._sandbox.read(uploads, sidecar, begin))
            with step(Stage.PREDICT):
                subject = read.subject(_declared(job.declared))
                (prediction,) = self._aside.do(lambda: predictor.predict([subject]), lambda: begin(None))
            begin(Stage.REPORT)
            reference = PredictorRef(name=predictor.name, version=predictor.version)
            judged = Judged(
                predictor=reference,
                reading=read.reading,
                prediction=prediction,
                declared=job.declared,
                timings_s=timings,
            )
            return report(judged).model_dump_json()


def _declared(said: Declarations) -> Declared:
    return Declared(mean=said.input_mean, spread=said.input_std, classes=class_numbers(said))
