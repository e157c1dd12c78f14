"""Names and shapes that are made to hurt: an answer or a typed error, and soon."""

import numpy as np
import pytest

from metagauge.architecture.templates.names.from_names import from_names
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import InputError
from tests.architecture.templates.named_networks import ResNet

Shapes = dict[str, tuple[int, ...]]


def checkpoint_of(shapes: Shapes) -> Checkpoint:
    """Tensors that are never read: names and shapes have to be enough."""

    def unread() -> np.ndarray:
        raise AssertionError("names and shapes have to be enough")

    tensors = {name: Tensor(name=name, dtype="F32", shape=shape, load=unread) for name, shape in shapes.items()}
    return Checkpoint(format="safetensors", size_bytes=0, tensors=tensors, metadata={})


RNN: Shapes = {f"rnn.weight_{kind}_l{layer}": (4, 1) for kind in ("ih", "hh") for layer in range(3000)}
SWIN: Shapes = {
    "patch_embed.proj.weight": (4, 3, 4, 4),
    "patch_embed.norm.weight": (4,),
    "layers.0.blocks.0.norm1.weight": (4,),
    "layers.0.blocks.0.attn.relative_position_bias_table": (1001 * 1001, 2),
    "layers.0.blocks.0.attn.qkv.weight": (12, 4),
    "layers.0.blocks.0.mlp.fc1.weight": (4, 4),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "shapes",
    [
        {f"conv{n}.weight": (4, 4, 3, 3) for n in range(3000)} | {f"bn{n}.running_mean": (4,) for n in range(3000)},
        {f"{n}.weight": (4, 4) for n in range(5000)},
        {f"layer{n}.0.conv1.weight": (4, 4, 3, 3) for n in range(1, 5000)} | {"bn1.weight": (4,), "conv1.weight": (4,)},
        {"module." * 50_000 + f"{n}.weight": (4, 4) for n in range(3)},
        {"1." * 50_000 + f"{n}.weight": (4, 4) for n in range(3)},
        {"a" * 500_000 + f".{n}.weight": (4, 4) for n in range(3)},
        {"0.weight": (0, 4), "2.weight": (3, 0)},
        {"stem.0.weight": (4, 3, 0, 0), "stem.1.weight": (4,), "stages.0.blocks.0.conv_dw.weight": (4, 1, 7, 7)},
        {"stem.0.weight": (), "stem.1.weight": (), "stages.0.blocks.0.conv_dw.weight": ()},
        {"conv1.weight": (4, 3, 3, 3), "fc1.weight": (4, 4 * (1 << 60))},
        {"rnn.weight_ih_l0": (4,), "rnn.weight_hh_l0": (4, 1)},
        RNN,
        SWIN,
    ],
)
def test_made_up_files_are_answered(shapes: Shapes) -> None:
    try:
        from_names(checkpoint_of(shapes))
    except InputError:
        return


def test_every_rank_in_every_place_of_a_network_is_answered() -> None:
    whole = {name: tuple(tensor.shape) for name, tensor in ResNet().state_dict().items() if tensor.is_floating_point()}
    refused = 0
    for name in whole:
        for shape in ((), (1,), (0, 1), (2, 3), (3, 1, 1, 1), (1, 1, 1, 1, 1)):
            try:
                from_names(checkpoint_of({**whole, name: shape}))
            except InputError:
                refused += 1
    assert refused == 6 * len(whole)


def test_shapes_alone_are_enough_for_a_network() -> None:
    whole = {name: tuple(tensor.shape) for name, tensor in ResNet().state_dict().items() if tensor.is_floating_point()}
    assert from_names(checkpoint_of(whole)) is not None
