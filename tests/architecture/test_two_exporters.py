"""What PyTorch's two exporters wrote of one network has the same steps in normal form."""

from collections import Counter

import pytest

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, Unary
from metagauge.architecture.operators.operator import Operator
from tests.architecture.test_corpus_runs import followed, normal

ROWS_ONLY = "the newer exporter keeps only the rows of a table that are used"
ALIKE = (
    "hf_gpt_neox",
    "hf_llama_gqa",
    "hf_phi3",
    "hf_qwen3",
    "hf_resnet_basic",
    "hf_segformer",
    "mlp_sequential",
)
DIFFERENT = {
    "hf_bert_mlm": ({}, {"slice": 2, "reshape": 2}, ROWS_ONLY),
    "hf_bert_mlm_freshinit": ({}, {"slice": 2, "reshape": 2}, ROWS_ONLY),
    "hf_gpt2": ({}, {"slice": 1, "reshape": 1}, ROWS_ONLY),
    "hf_dinov2": ({}, {"weight": 1, "concat": 1}, "the older one stores the class token's position apart"),
}
"""Steps that only the newer exporter's file has, those that only the older's has, and why."""


def kind(operator: Operator) -> str:
    match operator:
        case Unary(function=function) | Binary(function=function):
            return function
        case Contract(equation=equation):
            return f"contract of {equation.count(',') + 1}"
        case _:
            return operator.kind


def kinds(dataflow: Dataflow) -> Counter[str]:
    return Counter(kind(step.operator) for step in dataflow.steps)


def both(name: str) -> tuple[Counter[str], Counter[str]]:
    """Of the newer and of the older exporter's file."""
    found = []
    for exporter in ("dynamo", "legacy"):
        _, checkpoint, dataflow = followed(f"safetensors/{name}/{exporter}.onnx")
        found.append(kinds(normal(dataflow, checkpoint)))
    return found[0], found[1]


@pytest.mark.parametrize("name", ALIKE)
def test_both_exports_have_the_same_kinds_of_steps(name: str):
    newer, older = both(name)
    assert newer == older


@pytest.mark.parametrize("name", DIFFERENT)
def test_exports_that_differ_do_so_in_what_is_known(name: str):
    newer, older = both(name)
    assert (dict(newer - older), dict(older - newer)) == DIFFERENT[name][:2]
