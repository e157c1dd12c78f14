"""Names some networks of zoos by what they are and what was measured of them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from models.training.networks import JobNetworks


def fingerprint(networks: Sequence[JobNetworks]) -> str:
    """Names these networks and what was measured of them: results are of one fingerprint."""
    found = sha256()
    for job in networks:
        for (zoo, *run), entry in zip(job.runs, job.entries, strict=True):
            key = (job.architecture, Path(zoo).name, *run, entry.step, entry.test_accuracy, entry.train_accuracy)
            found.update(repr(key).encode())
    return found.hexdigest()[:16]
