"""The metanetworks that are compared, each by a file of settings, and how one is made."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, TypeAdapter

from models.graph_tensors import GraphTensors
from models.metanetworks.edge_round import GmnConfig
from models.metanetworks.edges import GraphMetanetwork
from models.metanetworks.ensemble import ProductEnsemble
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.metanetworks.reader import Reader
from models.metanetworks.rows import Rows

CONFIGS = Path(__file__).parent / "configs"

AnyConfig = Annotated[GmnConfig | ProductConfig, Field(discriminator="messages")]
OneMetanetwork = GraphMetanetwork | ProductMetanetwork
AnyMetanetwork = OneMetanetwork | ProductEnsemble


def load_config(name: str) -> GmnConfig | ProductConfig:
    """The settings of a shipped metanetwork: gmn, product, weights or hybrid.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    return TypeAdapter(AnyConfig).validate_json((CONFIGS / f"{name}.json").read_bytes())


def make(config: GmnConfig | ProductConfig) -> OneMetanetwork:
    """One metanetwork, not trained."""
    return GraphMetanetwork(config) if isinstance(config, GmnConfig) else ProductMetanetwork(config)


def alone(config: GmnConfig | ProductConfig) -> tuple[GmnConfig | ProductConfig, int]:
    """The settings of one member, and how many members there are."""
    return (config, 1) if isinstance(config, GmnConfig) else (replace(config, members=1, readers=None), config.members)


def together(
    config: GmnConfig | ProductConfig, members: Sequence[OneMetanetwork], readers: Sequence[Reader] = ()
) -> AnyMetanetwork:
    """The metanetwork that members and readers make; one member is one by itself."""
    if isinstance(config, GmnConfig) or not has_several(config):
        return members[0]
    return ProductEnsemble(config, [each for each in members if isinstance(each, ProductMetanetwork)], readers)


def has_several(config: ProductConfig) -> bool:
    """Whether it is a `ProductEnsemble`."""
    return config.members > 1 or config.readers is not None


def standardise(
    metanetwork: OneMetanetwork, graphs: Sequence[GraphTensors], prepared: Sequence[GraphTensors | Rows]
) -> None:
    """Measures the means and spreads of everything that is standardised, on training networks."""
    nodes = torch.cat([group.statistics.flatten(0, 1) for each in graphs for group in each.groups])
    blocks = torch.cat([block.statistics for each in graphs for block in each.blocks])
    if isinstance(metanetwork, GraphMetanetwork) or metanetwork.config.statistics:
        metanetwork.node_scale.fit(nodes)
        metanetwork.block_scale.fit(blocks)
    if isinstance(metanetwork, ProductMetanetwork):
        answers = [
            group.activity.flatten(0, 1) for each in graphs for group in each.groups if group.activity is not None
        ]
        if metanetwork.config.activity:
            metanetwork.activity_scale.fit(torch.cat(answers))
        if metanetwork.config.told:
            metanetwork.told_scale.fit(torch.cat([each.told for each in prepared if isinstance(each, Rows)]))
