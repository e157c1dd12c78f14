"""The rungs of the ladder that need no ONNX program."""

import json
from dataclasses import replace

import numpy as np
import pytest

from metagauge.architecture.architecture import Provenance, Unsupported
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.infer import infer
from metagauge.architecture.parameter import Parameter, Reshape, Scale, Slice, Transpose
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError, TensorMissingError
from tests.architecture.specified import SPECIFICATION, TENSORS, checkpoint, with_weight
from tests.attacks.safetensors_bytes import entry, with_entries


def test_a_specification_in_the_metadata_is_the_architecture():
    assert infer(checkpoint(metadata={METADATA_KEY: to_json(SPECIFICATION)}), None) == SPECIFICATION


def test_a_specification_beside_the_file_is_the_architecture():
    assert infer(checkpoint(), to_json(SPECIFICATION)) == SPECIFICATION


def test_what_is_sent_beside_the_file_wins_over_its_metadata():
    linear_network = with_weight(Parameter(tensor="fc2.weight", views=(Scale(factor=2.0),)))
    found = infer(checkpoint(metadata={METADATA_KEY: to_json(SPECIFICATION)}), to_json(linear_network))
    assert found == linear_network


def test_a_specification_cannot_claim_another_provenance():
    boast = replace(SPECIFICATION, provenance=Provenance(rung="graph", assumed=("relu",)))
    assert infer(checkpoint(), to_json(boast)).provenance == Provenance(rung="declared", assumed=("relu",))


def test_parameters_the_specification_leaves_out_are_recorded():
    more = {**TENSORS, "head.weight": np.ones((2, 5), np.float32), "steps": np.zeros(1, np.int64)}
    (lost,) = infer(checkpoint(more), to_json(SPECIFICATION)).unsupported
    assert isinstance(lost, Unsupported)
    assert lost.tensors == ("head.weight",)


def test_a_tensor_the_file_does_not_have_is_named():
    with pytest.raises(TensorMissingError, match=r"'fc9\.weight'"):
        infer(checkpoint(), to_json(with_weight(Parameter(tensor="fc9.weight"))))


def test_a_tensor_of_another_shape_is_named_with_both_sizes():
    wider = {**TENSORS, "fc2.weight": np.ones((3, 6), np.float32)}
    with pytest.raises(
        ArchitectureMismatchError, match=r"'fc2' .*reads 5 features, and weight 'fc2\.weight' is \[3, 6\]"
    ):
        infer(checkpoint(wider), to_json(SPECIFICATION))


def test_a_parameter_that_is_no_float_is_named_with_its_dtype():
    counted = {**TENSORS, "fc2.weight": np.ones((3, 5), np.int64)}
    with pytest.raises(ArchitectureMismatchError, match=r"'fc2\.weight'.* I64"):
        infer(checkpoint(counted), to_json(SPECIFICATION))


@pytest.mark.parametrize(
    "view",
    [
        Transpose(axes=(1, 1)),
        Transpose(axes=(0, 1, 2)),
        Reshape(shape=(2**32, 2**32)),
        Reshape(shape=(-3, -5)),
        Reshape(shape=(3,) * 100),
        Slice(axis=0, start=0, stop=9),
        Slice(axis=9, start=0, stop=1),
        Slice(axis=0, start=2, stop=1),
    ],
    ids=str,
)
def test_a_view_that_does_not_fit_its_tensor_is_a_mismatch(view):
    with pytest.raises(ArchitectureMismatchError, match="fc2"):
        infer(checkpoint(), to_json(with_weight(Parameter(tensor="fc2.weight", views=(view,)))))


def test_a_view_that_wraps_around_an_empty_tensor_is_a_mismatch():
    empty = {**TENSORS, "fc2.weight": np.ones((0, 5), np.float32)}
    view = Reshape(shape=(0, 2**62, 2**62))
    with pytest.raises(ArchitectureMismatchError, match="fc2"):
        infer(checkpoint(empty), to_json(with_weight(Parameter(tensor="fc2.weight", views=(view,)))))


@pytest.mark.parametrize(
    "sidecar", ["", "not json", "[" * 100_000, "[]", "3", "{}", '{"operations": 1}', '{"\\ud800": 1}']
)
def test_a_sidecar_that_is_no_specification_is_a_mismatch(sidecar):
    with pytest.raises(ArchitectureMismatchError):
        infer(checkpoint(), sidecar)


def test_a_broken_specification_in_the_metadata_is_a_mismatch_and_not_ignored():
    with pytest.raises(ArchitectureMismatchError, match="JSON"):
        infer(checkpoint(metadata={METADATA_KEY: "{"}), None)


@pytest.mark.parametrize(
    ("config", "said"),
    [({"model_type": "mentat", "hidden_size": 8}, "'mentat'"), ({"architectures": ["ResNetModel"]}, "'ResNetModel'")],
)
def test_a_hugging_face_config_is_told_as_one_with_what_to_send_instead(config, said):
    with pytest.raises(StructureNotInferableError) as refusal:
        infer(checkpoint(), json.dumps(config))
    for part in (said, "torch.onnx.export", "metagauge.declare.save"):
        assert part in str(refusal.value)


def test_tensors_alone_do_not_tell_a_structure_and_the_message_says_what_does():
    tensors = {name: np.ones((5, 12), np.float32) for name in ("left.weight", "right.weight")}
    with pytest.raises(StructureNotInferableError) as refusal:
        infer(checkpoint(tensors), None)
    for part in ("'left.weight' [5, 12]", "torch.onnx.export", "metagauge.declare.save", "beside the file"):
        assert part in str(refusal.value)


def test_a_long_list_of_tensors_is_cut():
    many = {f"w{n:03}": np.ones(2, np.float32) for n in range(50)}
    with pytest.raises(StructureNotInferableError, match="and 44 more"):
        infer(checkpoint(many), None)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("base.q_proj.lora_A.weight", "base.q_proj.lora_B.weight"), "LoRA"),
        (("model.layers.3.up.weight", "model.layers.4.up.weight"), "begin with number 3"),
        (("model.layers.0.up.weight", "model.layers.1.up.weight"), None),
    ],
)
def test_a_file_that_is_only_a_part_is_told_as_one(names, hint):
    with pytest.raises(StructureNotInferableError) as refusal:
        infer(checkpoint({name: np.ones((2, 2), np.float32) for name in names}), None)
    if hint:
        assert hint in str(refusal.value)
    else:
        assert "LoRA" not in str(refusal.value)
        assert "begin with" not in str(refusal.value)


def test_scalars_have_no_layers():
    content = with_entries({"a": entry([], 0, 4), "b": entry([], 4, 8)}, bytes(8))
    with pytest.raises(StructureNotInferableError, match="no layer"):
        infer(read_safetensors(memoryview(content), Limits()), None)
