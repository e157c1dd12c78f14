"""A checkpoint: what a file holds, before anything is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.program import Program
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import TensorMissingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Named lazy tensors and, for ONNX, the program that uses them. Reading one runs nothing from the file."""

    format: Format
    size_bytes: int
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    program: Program | None = None
    findings: tuple[Finding, ...] = ()

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`.

        Raises:
            TensorMissingError: there is none.
        """
        try:
            return self.tensors[name]
        except KeyError as error:
            message = f"the architecture names tensor {name!r}, which the checkpoint does not have"
            raise TensorMissingError(message) from error
