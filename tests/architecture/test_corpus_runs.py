"""Real files, followed into a dataflow and into its normal form, compute what onnxruntime computes."""

from pathlib import Path

import pytest

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.normal_form.normalise import normalise
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.tracing.trace import trace
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import InputError
from tests.architecture.running import IDS, as_tensors, difference, random_inputs, run_ours, run_runtime
from tests.corpus import corpus

TOLERANCE = 1e-4

NO_NETWORK = {
    "bert_tokenizer_only.onnx": "no_parameters",
    "burn_nested_if.onnx": "no_parameters",
    "lr_mnist_scikit.onnx": "no_parameters",
    "sklearn_treecl.onnx": "no_parameters",
    "treeensembleclassifier.onnx": "no_parameters",
    "trt_nested_local_function.onnx": "no_parameters",
    "derived_resnet_external.onnx": "external_data_refused",
    "wild_html_saved_as_onnx.onnx": "unsupported_format",
    "wild_lfs_pointer.onnx": "unsupported_format",
    "wild_magika_26byte.onnx": "unsupported_format",
}
"""Files that are refused, and the refusal's code."""

NO_RUNTIME = {
    "bert_squad_pt14_opset10.onnx": "must have same rank",  # the file says a shape that cannot be
    "espcn_subpixel_quant_qonnx.onnx": "onnx.brevitas:Quant",
    "starry_night_fp16.onnx": "Incompatible dimensions",  # the file says a shape that cannot be
    "tiny_gpt2_beamsearch.onnx": "BeamSearch",
    "tiny_gpt2_beamsearch_fp16.onnx": "BeamSearch",
    "vespa_mnist_softmax.onnx": r"Add\(1\)",
}
"""Files that onnxruntime cannot run, and what it says."""

OTHER_OUTPUT = {
    "dummy_t5_beamsearch.onnx": "a search that feeds the network its own output; we judge the network it runs",
}
"""Files whose outputs are not those of the network that we run."""

ROUNDING = {
    "fns_candy_style_transfer.onnx": 2e-3,  # in float64 it lies closer to ours: 2e-4, and 1.4e-3 from the runtime's
}
"""Networks that enlarge float32's rounding, and by how much two runs differ."""


def files() -> list[str]:
    """All ONNX files of the corpus, relative to it; none where there is no corpus."""
    try:
        root = corpus("onnx").parent
    except pytest.skip.Exception:
        return []
    found = [*root.glob("onnx/*.onnx"), *root.glob("safetensors/*/*.onnx")]
    return sorted(str(path.relative_to(root)) for path in found)


FILES = files()
RUN = [file for file in FILES if Path(file).name not in NO_NETWORK | NO_RUNTIME | OTHER_OUTPUT]


def followed(file: str) -> tuple[Path, Checkpoint, Dataflow]:
    path = corpus("onnx").parent / file
    checkpoint = read(path, Limits())
    return path, checkpoint, trace(checkpoint)


def normal(dataflow: Dataflow, checkpoint: Checkpoint) -> Dataflow:
    return normalise(dataflow, shapes(dataflow, lambda name: checkpoint.tensor(name).shape))


def expected_outputs(path: Path, dataflow: Dataflow) -> tuple[dict, list]:
    """Inputs, and what onnxruntime makes of them; with smaller identifiers where a graph has few nodes."""
    for ids in (IDS, 2):
        inputs = random_inputs(dataflow, ids)
        try:
            return inputs, run_runtime(path, inputs)
        except Exception as error:
            if "out of data bounds" not in str(error) or ids == 2:
                raise
    raise AssertionError


def test_there_is_a_corpus():
    assert corpus("onnx").is_dir()
    assert len(RUN) > 80


@pytest.mark.parametrize("file", RUN)
def test_a_real_file_computes_the_same_before_and_after_it_is_put_in_normal_form(file: str):
    path, checkpoint, dataflow = followed(file)
    inputs, expected = expected_outputs(path, dataflow)
    tensors = as_tensors(checkpoint)
    tolerance = ROUNDING.get(path.name, TOLERANCE)
    assert difference(run_ours(dataflow, tensors, inputs), expected).worst <= tolerance
    rewritten = normal(dataflow, checkpoint)
    assert difference(run_ours(rewritten, tensors, inputs), expected).worst <= tolerance
    assert normal(rewritten, checkpoint).steps == rewritten.steps


@pytest.mark.parametrize("name", NO_RUNTIME)
def test_a_file_the_runtime_cannot_run_runs_here(name: str):
    path, checkpoint, dataflow = followed(f"onnx/{name}")
    inputs = random_inputs(dataflow)
    tensors = as_tensors(checkpoint)
    found = run_ours(dataflow, tensors, inputs)
    assert found
    assert difference(run_ours(normal(dataflow, checkpoint), tensors, inputs), found).worst <= TOLERANCE
    with pytest.raises(Exception, match=NO_RUNTIME[name]):
        run_runtime(path, inputs)


@pytest.mark.parametrize("name", NO_NETWORK)
def test_a_file_without_a_network_is_refused(name: str):
    with pytest.raises(InputError) as caught:
        followed(f"onnx/{name}")
    assert caught.value.code == NO_NETWORK[name]
