"""The corpus of broken files: what its index asks for, as far as reading and inferring settle it."""

import json
from dataclasses import dataclass
from pathlib import Path

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import MetagaugeError
from tests.corpus import corpus

STATUS = {
    "empty_upload": 400,
    "malformed_checkpoint": 400,
    "limit_exceeded": 413,
    "unsupported_format": 415,
    "architecture_mismatch": 422,
    "external_data_refused": 422,
    "no_parameters": 422,
    "structure_not_inferable": 422,
}
"""What the service answers for each error."""

READ_ONLY = {
    "st_28_zero_size_tensor.safetensors": "is read with a finding, but nothing tells how its tensors are wired",
    "st_32_float4_e8m0.safetensors": "is read with a finding, but nothing tells how its tensors are wired",
    "st_39_lora_adapter.safetensors": "the index allows 422 asking for the base model, which is what happens",
}
"""Files to accept that have no architecture: reading accepts them, inferring refuses."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a file."""

    code: str = ""
    message: str = ""
    rules: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        return STATUS[self.code] if self.code else 200


def outcome(path: Path, *, inferring: bool) -> Outcome:
    rules: tuple[str, ...] = ()
    try:
        checkpoint = read(path, Limits())
        rules = tuple(finding.rule for finding in checkpoint.findings)
        if inferring:
            infer(checkpoint, None)
    except MetagaugeError as error:
        return Outcome(code=error.code, message=str(error), rules=rules)
    return Outcome(rules=rules)


def index() -> dict[Path, dict]:
    folder = corpus("bad")
    return {folder / case["file"]: case for case in json.loads((folder / "index.json").read_text())}


def test_files_to_reject_get_the_status_of_the_index():
    wrong = {
        path.name: found
        for path, case in index().items()
        if case["expect"] == "reject"
        for found in [outcome(path, inferring=True)]
        if found.status != case["http"]
    }
    assert not wrong


def test_files_to_accept_have_an_architecture_and_those_with_something_odd_a_finding():
    wrong = {
        path.name: found
        for path, case in index().items()
        if case["expect"] != "reject" and path.name not in READ_ONLY
        for found in [outcome(path, inferring=True)]
        if found.status != 200 or bool(found.rules) != (case["expect"] == "accept_with_finding")
    }
    assert not wrong


def test_the_exceptions_are_still_exceptions():
    paths = {path.name: path for path in index()}
    for path in (paths[name] for name in READ_ONLY):
        assert (outcome(path, inferring=False).status, outcome(path, inferring=True).status) == (200, 422)


def test_real_files_are_read_or_refused_for_a_reason_that_is_theirs():
    models = [*corpus("onnx").glob("*.onnx"), *corpus("safetensors").glob("*/*.onnx")]
    paths = [*models, *corpus("safetensors").glob("*/*.safetensors")]
    refused = [found for path in paths for found in [outcome(path, inferring=False)] if found.code]
    assert {found.code for found in refused} <= {"no_parameters", "external_data_refused", "unsupported_format"}
    assert len(refused) < len(paths) / 8
