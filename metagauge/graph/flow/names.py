"""Names for people: neurons are called like the module whose tensors make them."""

from collections import defaultdict
from dataclasses import replace

from metagauge.graph.parameter_graph import Block, NodeGroup, Role

_MAKING: tuple[Role, ...] = (
    "linear",
    "conv",
    "query",
    "key",
    "value",
    "attention_output",
    "embedding",
    "recurrent_input",
    "bias",
    "norm_scale",
    "position",
)
"""Roles whose tensors name the neurons, the most telling first."""


def with_names(groups: tuple[NodeGroup, ...], blocks: tuple[Block, ...]) -> tuple[NodeGroup, ...]:
    """The groups, those renamed that read a tensor of a module: `model.layers.0.mlp.up_proj.weight` tells one.

    Names that exporters make up, such as `onnx::MatMul_530`, tell none.
    """
    modules: dict[int, dict[Role, str]] = defaultdict(dict)
    for block in blocks:
        module, dot, _ = block.name.rpartition(".")
        if dot and not block.is_wiring:
            modules[block.target].setdefault(block.role, module)
    return tuple(
        replace(group, name=_told(modules[number]) or group.name) if group.kind != "parameter" else group
        for number, group in enumerate(groups)
    )


def _told(modules: dict[Role, str]) -> str:
    return next((modules[role] for role in _MAKING if _tells(modules.get(role, ""))), "")


def _tells(module: str) -> bool:
    return bool(module) and "::" not in module and not module.startswith(("/", "template/"))
