"""Networks from files of any origin, read and built as uploads are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import parameters_of
from metagauge.architecture.infer import infer
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from models.evaluation.domain_cases import GOOD, Case, HeldOut, measure
from models.probes.cost import is_affordable
from models.probes.probe import alone
from models.subject import Subject
from models.zoo.families import CLASSES, IMAGE

SIDECAR = "config.json"
_ARMS = {".onnx": "files: ONNX", f".{Format.SAFETENSORS.value}": "files: safetensors"}


def checkpoint_cases(folders: Sequence[Path], images: HeldOut) -> Iterator[Case]:
    """Every network that the files in and below the folders give a graph of; the others never reach a predictor.

    What a network gets right of CIFAR-10 is measured if it can be asked; any answer about another one is a wrong one.
    """
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _ARMS)
    refused = 0
    for path in tqdm(paths, desc="reading files", unit="file"):
        try:
            subject = read_subject(path)
        except MetagaugeError:
            refused += 1
            continue
        accuracy = accuracy_of(subject, images)
        yield Case(
            kind="other architecture",
            arm=_ARMS[path.suffix],
            subject=subject,
            test_accuracy=accuracy,
            was_good=accuracy is None or accuracy >= GOOD,
        )
    tqdm.write(f"{len(paths) - refused} of {len(paths)} files gave a graph")


def read_subject(path: Path) -> Subject:
    """The network in a file, with the configuration that lies beside it.

    Raises:
        MetagaugeError: no graph comes of it.
    """
    checkpoint = read(path, Limits())
    sidecar = path.parent / SIDECAR
    is_configured = checkpoint.program is None and sidecar.exists()
    network = infer(checkpoint, sidecar.read_text(encoding="utf-8", errors="replace") if is_configured else None)
    graph = build(network, checkpoint)
    if not isinstance(network, Architecture):
        return Subject(graph=graph)
    names = dict.fromkeys(parameter.tensor for parameter in parameters_of(network))
    tensors = {name: checkpoint.tensor(name).array() for name in names}
    return Subject(graph=graph, network=network, tensors=tensors)


def accuracy_of(subject: Subject, images: HeldOut) -> float | None:
    """On images normalised as a zoo's are; None where it does not read such images, has not ten outputs or is large."""
    network, tensors = subject.network, subject.tensors
    outputs = [(group.size, group.positions) for group in subject.graph.groups if group.kind == "output"]
    if not isinstance(network, Architecture) or tensors is None:
        return None
    if network.input_shape != IMAGE or outputs != [(CLASSES, 1)] or not is_affordable(network, alone(network, tensors)):
        return None
    return measure(network, [{name: np.array(array, np.float32) for name, array in tensors.items()}], images)[0]
