"""PyTorch's own modules, one by one: declared, read back, and compared with what PyTorch computes."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.declare.declare import Inputs, declare
from metagauge.declare.save import save
from metagauge.errors import StructureNotInferableError
from models.interpreter.dataflow import run_dataflow
from models.interpreter.layers import run
from tests.declare.functions import FUNCTIONS, REFUSED_FUNCTIONS
from tests.declare.torch_modules import CASES, NOT_NETWORKS, REFUSED, Case

NETWORKS = {**CASES, **FUNCTIONS}
REFUSALS = {**REFUSED, **REFUSED_FUNCTIONS}


def made(case: Case) -> nn.Module:
    torch.manual_seed(0)
    module = case[0]().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module


def leaves(results: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(results) if isinstance(leaf, Tensor)]


def computed(module: nn.Module, inputs: Inputs, given: tuple[Tensor, ...], folder: Path) -> list[Tensor]:
    """What the file of `module` computes."""
    save(module, inputs, folder / "network.safetensors")
    checkpoint = read(folder / "network.safetensors", Limits())
    tensors = {name: torch.from_numpy(tensor.array().copy()) for name, tensor in checkpoint.tensors.items()}
    network = infer(checkpoint, None)
    if isinstance(network, Dataflow):
        return list(run_dataflow(network, tensors, given))
    return [run(network, tensors, given[0])]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_module_of_pytorch_computes_the_same_from_its_file(name: str, tmp_path: Path):
    module, inputs = made(NETWORKS[name]), NETWORKS[name][1]
    with torch.no_grad():
        expected = leaves(module(*inputs))
    found = computed(module, inputs, inputs, tmp_path)
    assert expected[0].numel() == 1 or expected[0].double().std() > 1e-3 or name == "Softmax2d"
    for one, other in zip(found, expected, strict=len(found) > 1):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_module_that_is_refused_is_named_with_what_helps(name: str):
    case, said = REFUSALS[name]
    with pytest.raises(StructureNotInferableError) as refused:
        declare(made(case), case[1])
    assert said in str(refused.value)
    assert "torch.onnx.export" in str(refused.value)


def test_every_module_of_pytorch_is_computed_or_refused():
    cases = [*CASES.values(), *(case for case, _ in REFUSED.values())]
    tried = {type(each).__name__ for case in cases for each in case[0]().modules()}
    kinds = {name for name, each in vars(nn).items() if isinstance(each, type) and issubclass(each, nn.Module)}
    without = {name for name in kinds if name.startswith("Lazy") or name.endswith(("Loss", "Loss2d"))}
    assert sorted(kinds - without - tried - NOT_NETWORKS) == []
