"""`metagauge inspect`: offline, and plain about what is missing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from metagauge.architecture.architecture import Architecture, Operation
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.layers import Activation, Conv, Flatten, GroupNorm, Linear, Pool
from metagauge.architecture.parameter import Parameter
from metagauge.cli.main import outcome
from tests.fakes.answers import good
from tests.fakes.served import Served

TENSORS = {
    "hidden.weight": np.ones((5, 12), np.float32),
    "hidden.bias": np.zeros(5, np.float32),
    "head.weight": np.ones((2, 5), np.float32),
    "left.over": np.ones((3, 7), np.float32),
}
SPECIFICATION = to_json(
    Architecture(
        input_shape=(3, 2, 2),
        operations=(
            Operation(name="flat", inputs=("input",), layer=Flatten()),
            Operation(
                name="hidden",
                inputs=("flat",),
                layer=Linear(weight=Parameter(tensor="hidden.weight"), bias=Parameter(tensor="hidden.bias")),
            ),
            Operation(name="act", inputs=("hidden",), layer=Activation(function="relu")),
            Operation(name="head", inputs=("act",), layer=Linear(weight=Parameter(tensor="head.weight"))),
        ),
    )
)


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    path = tmp_path / "mlp.safetensors"
    save_file(TENSORS, path, metadata={METADATA_KEY: SPECIFICATION})
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "bare.safetensors"
    save_file(TENSORS, path)
    return path


def test_json_tells_layers_shapes_parameters_and_coverage(declared: Path, capsys: pytest.CaptureFixture[str]):
    assert outcome(["inspect", str(declared), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["output_shape"], row["parameters"]) for row in found["layers"]] == [
        ("flat", [12], 0),
        ("hidden", [5], 65),
        ("act", [5], 0),
        ("head", [2], 10),
    ]
    assert (found["provenance"], found["parameters"], found["family"]) == ("declared", 96, "mlp")
    assert found["coverage"] == pytest.approx(75 / 96)
    assert found["unsupported"][0]["tensors"] == ["left.over"]
    assert found["graph"]["edges"] > 0
    assert [part.isalnum() for part in found["graph_digest"].split("-")] == [True] * 3
    assert [row["name"] for row in found["groups"] if row["kind"] != "parameter"] == ["input", "hidden", "head"]
    assert found["groups"][1]["reads"][0]["tensor"] == "hidden.weight"


def changed(path: Path, **tensors: np.ndarray) -> Path:
    """A file beside `path` with other tensors."""
    other = path.with_name("other.safetensors")
    save_file({**TENSORS, **tensors}, other, metadata={METADATA_KEY: SPECIFICATION})
    return other


def test_two_files_of_one_network_are_the_same(declared: Path, capsys: pytest.CaptureFixture[str]):
    spare = np.zeros((9, 9), np.float32)
    assert outcome(["inspect", str(declared), "--compare", str(changed(declared, spare=spare))]) == 0
    text = capsys.readouterr().out
    assert "The same graph" in text
    assert "5x12" not in text, "the table is not asked for"
    assert [line.split()[0] for line in text.splitlines()[:2]] == ["first", "second"]


def test_another_weight_is_named_and_ends_as_diff_does(declared: Path, capsys: pytest.CaptureFixture[str]):
    weight = TENSORS["head.weight"].copy()
    weight[0, 0] = -1
    other = changed(declared, **{"head.weight": weight})
    assert outcome(["inspect", str(declared), "--compare", str(other), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert (found["verdict"], found["same_digest"], found["second"]["file"]) == (
        "other weights",
        False,
        "other.safetensors",
    )
    assert any("head" in difference for difference in found["differences"])
    assert outcome(["inspect", str(declared), "--compare", str(other)]) == 1
    text = capsys.readouterr().out
    assert "The same structure, other weights" in text
    assert "0.0001" in text


def test_a_difference_that_a_digest_does_not_show_is_printed(declared: Path, capsys: pytest.CaptureFixture[str]):
    weight = TENSORS["hidden.weight"].copy()
    weight[0, 0] += 3e-4
    other = changed(declared, **{"hidden.weight": weight})
    assert outcome(["inspect", str(declared), "--compare", str(other)]) == 1
    text = capsys.readouterr().out
    assert "'hidden.weight' and 'hidden.weight' differ by up to 0.0003" in text
    assert "digests are the same" in text
    assert "The same graph" not in text


def test_every_difference_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    architecture = Architecture(
        input_shape=(4,),
        input_layout="vector",
        operations=tuple(
            operation
            for place in range(30)
            for operation in (
                Operation(
                    name=f"linear{place}",
                    inputs=(f"act{place - 1}" if place else "input",),
                    layer=Linear(weight=Parameter(tensor=f"layer{place}.weight")),
                ),
                Operation(name=f"act{place}", inputs=(f"linear{place}",), layer=Activation(function="tanh")),
            )
        ),
    )
    paths = [tmp_path / f"{seed}.safetensors" for seed in range(2)]
    for seed, path in enumerate(paths):
        draw = np.random.default_rng(seed)
        tensors = {f"layer{place}.weight": draw.normal(size=(4, 4)).astype(np.float32) for place in range(30)}
        save_file(tensors, path, metadata={METADATA_KEY: to_json(architecture)})
    assert outcome(["inspect", str(paths[0]), "--compare", str(paths[1])]) == 1
    text = capsys.readouterr().out
    assert all(f"'layer{place}.weight' and" in text for place in range(30))


def test_what_may_explain_a_difference_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "chain.safetensors"
    save_file({f"{place}.weight": np.eye(4, dtype=np.float32) for place in (0, 2, 4)}, path)
    hints = tmp_path / "hints.json"
    hints.write_text('{"activation": "relu"}')
    assert outcome(["inspect", str(path), "--architecture", str(hints), "--compare", str(path)]) == 1
    text = capsys.readouterr().out
    assert "differ in structure" in text
    assert "the activations of the second are not known" in text


def test_another_size_of_the_input_is_said(declared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = tmp_path / "narrow.safetensors"
    specification = SPECIFICATION.replace("[3,2,2]", "[12,1,1]")
    assert specification != SPECIFICATION
    save_file(TENSORS, other, metadata={METADATA_KEY: specification})
    assert outcome(["inspect", str(declared), "--compare", str(other)]) == 1
    assert "the first reads 3x2x2, the second 12x1x1" in capsys.readouterr().out


def quantised(path: Path, weight: np.ndarray) -> Path:
    """A linear map whose weight is stored in eight bits."""
    stored = [
        numpy_helper.from_array(np.rint(weight * 100).astype(np.int8), "weight"),
        numpy_helper.from_array(np.float32(0.01), "scale"),
        numpy_helper.from_array(np.int8(0), "zero"),
    ]
    return program(
        path,
        [
            helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["w"]),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
        ],
        stored,
    )


def program(path: Path, nodes: list[NodeProto], stored: list[TensorProto]) -> Path:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("x", 4), ("y", 3))]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], stored)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    return path


def test_that_one_side_is_quantised_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weight = np.random.default_rng(0).uniform(-1, 1, (4, 3)).astype(np.float32)
    stored = [numpy_helper.from_array(weight, "w")]
    plain = program(tmp_path / "plain.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], stored)
    rounded = quantised(tmp_path / "rounded.onnx", weight)
    assert outcome(["inspect", str(plain), "--compare", str(rounded)]) == 1
    text = capsys.readouterr().out
    assert "the second is quantised, and the other one is not" in text
    assert "differ" in text


def test_another_file_that_is_none_is_wrong_usage(declared: Path):
    assert outcome(["inspect", str(declared), "--compare", "no-such-file"]) == 4


def test_a_layer_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    tensors = {"conv.weight": np.ones((4, 2, 3, 3), np.float32), "norm.scale": np.ones(4, np.float32)}
    architecture = Architecture(
        input_shape=(4, 8, 8),
        operations=(
            Operation(
                name="conv",
                inputs=("input",),
                layer=Conv(
                    weight=Parameter(tensor="conv.weight"),
                    stride=(2, 2),
                    padding=((1, 1), (1, 0)),
                    dilation=(1, 1),
                    groups=2,
                ),
            ),
            Operation(
                name="norm",
                inputs=("conv",),
                layer=GroupNorm(groups=2, scale=Parameter(tensor="norm.scale"), epsilon=1e-3),
            ),
            Operation(name="act", inputs=("norm",), layer=Activation(function="leaky_relu", slope=0.2)),
            Operation(
                name="pool",
                inputs=("act",),
                layer=Pool(reduction="mean", kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0))),
            ),
        ),
    )
    path = tmp_path / "net.safetensors"
    save_file(tensors, path, metadata={METADATA_KEY: to_json(architecture)})
    assert outcome(["inspect", str(path), "--json"]) == 0
    conv, norm, act, pool = (row["settings"] for row in json.loads(capsys.readouterr().out)["layers"])
    assert conv == {
        "kernel": [3, 3],
        "stride": [2, 2],
        "padding": [[1, 1], [1, 0]],
        "dilation": [1, 1],
        "groups": 2,
    }
    assert (norm, act["function"], act["slope"]) == ({"groups": 2, "epsilon": 1e-3}, "leaky_relu", 0.2)
    assert (pool["reduction"], pool["kernel"], pool["count_padding"]) == ("mean", [2, 2], True)
    assert outcome(["inspect", str(path)]) == 0
    text = capsys.readouterr().out
    for part in ("kernel 3x3, stride 2, padding 1x1:0, groups 2", "groups 2, epsilon 0.001", "leaky_relu, slope 0.2"):
        assert part in text
    assert "mean, kernel 2x2, stride 2" in text


def test_the_table_shows_the_same(declared: Path, capsys: pytest.CaptureFixture[str]):
    assert outcome(["inspect", str(declared)]) == 0
    text = capsys.readouterr().out
    for part in ("declared", "78.1% of the parameters", "5x12, 5", "vector 12", "left.over"):
        assert part in text


def test_a_sidecar_tells_the_structure(bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert outcome(["inspect", str(bare)]) == 2
    assert "structure_not_inferable" in capsys.readouterr().err
    sidecar = tmp_path / "mlp.json"
    sidecar.write_text(SPECIFICATION)
    assert outcome(["inspect", str(bare), "--architecture", str(sidecar)]) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_upload"), (b"\x80\x04pickle", "unsupported_format"), (b"hello", "unsupported_format")],
)
def test_what_is_no_checkpoint_is_refused_by_its_code(
    tmp_path: Path, content: bytes, code: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    assert outcome(["inspect", str(path)]) == 2
    assert code in capsys.readouterr().err


WITHOUT_EXTRAS = """
import sys
for name in ("numpy", "onnx", "ml_dtypes", "safetensors", "torch", "redis", "fastapi"):
    sys.modules[name] = None  # as if it were not installed
from metagauge.cli.main import outcome
sys.exit(outcome(sys.argv[1:]))
"""


def without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_the_extra_the_command_says_what_to_install(declared: Path):
    ended = without_extras("inspect", str(declared))
    assert ended.returncode == 2
    assert "pip install '.[read]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_base_install_is_enough_for_everything_else(served: Served, tmp_path: Path):
    path = tmp_path / "net.onnx"
    path.write_bytes(good(0.6))
    ended = without_extras("predict", str(path), "--url", served.url)
    assert (ended.returncode, ended.stderr) == (0, "")
