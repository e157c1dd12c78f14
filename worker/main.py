"""The worker: one process, the predictors loaded once, a few threads that take jobs from the queue."""

import logging
import os
import signal
import socket
import threading
from pathlib import Path

import dramatiq
from dramatiq.worker import Worker

from metagauge.checkpoint.limits import Limits
from metagauge.service import queue
from metagauge.service.blobs import BlobStore
from metagauge.service.connection import connect
from metagauge.service.settings import Settings
from worker.aside import Aside
from worker.deliveries import Deliveries
from worker.housekeeping import Housekeeping
from worker.judging import Judging
from worker.leases import Leases
from worker.predicting import Load, Predictors
from worker.reading.sandbox import Sandbox
from worker.scratch import scratch_folder
from worker.store import JobStore

PATIENCE = 60
"""Times a lost command is repeated, about a minute: a job in hand outlives a restart of Redis."""
SHUTDOWN_S = 10
"""What a job in hand is given when the worker is told to stop; a later delivery does it again."""


def serve(settings: Settings, load: Load) -> None:
    """Works until SIGTERM or SIGINT. `load` reads a predictor from its folder."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    with scratch_folder() as scratch:
        _serve(settings, load, scratch, stop)


def _serve(settings: Settings, load: Load, scratch: Path, stop: threading.Event) -> None:
    client = connect(settings, patience=PATIENCE)
    store, blobs = JobStore(client, settings), BlobStore(settings.blobs, scratch=scratch)
    predictors = Predictors(settings.pretrained_dir, load)
    limits = Limits(file_bytes=settings.upload_bytes, upload_bytes=settings.network_bytes)
    sandbox = Sandbox(limits=limits, deadline_s=settings.read_deadline_s, scratch=scratch)
    aside = Aside(most=settings.worker_threads, deadline_s=settings.predict_deadline_s)
    judging = Judging(store, blobs, sandbox, predictors, aside)
    leases = Leases(store, f"{socket.gethostname()}-{os.getpid()}")

    broker = queue.broker(client)
    broker.add_middleware(Deliveries(store, leases, most=settings.max_deliveries))

    def judge(job_id: str, attempt: int) -> None:
        judging.run(job_id, attempt)

    dramatiq.Actor(judge, broker=broker, actor_name=queue.ACTOR, queue_name=queue.QUEUE, priority=0, options={})
    worker = Worker(broker, queues={queue.QUEUE}, worker_threads=settings.worker_threads, worker_timeout=100)
    worker.queue_prefetch = settings.worker_threads  # no job waits here for one that takes long; others are free
    housekeeping = Housekeeping(store, blobs, broker, settings)

    sandbox.warm()
    predictors.load_all()
    leases.start()
    worker.start()
    housekeeping.start()
    stop.wait()
    housekeeping.stop()
    worker.stop(timeout=SHUTDOWN_S * 1000)
    leases.stop()
