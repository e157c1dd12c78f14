"""All transforms by name, with one signature: those that preserve what a network computes and those that damage it."""

from collections.abc import Mapping
from functools import partial

from models.transforms.damage import add_noise, reinitialise, shuffle, swap_layers
from models.transforms.fold import fold
from models.transforms.permute import permute
from models.transforms.rescale import rescale
from models.transforms.rounding import quantise, round_to
from models.transforms.transform import Transform
from models.transforms.widen import widen

PRESERVING: Mapping[str, Transform] = {
    "permute": permute,
    "widen-2": partial(widen, factor=2),
    "widen-4": partial(widen, factor=4),
    "widen-8": partial(widen, factor=8),
    "rescale": rescale,
    "fold": fold,
    "bfloat16": partial(round_to, precision="bfloat16"),
    "float16": partial(round_to, precision="float16"),
    "int8": partial(quantise, bits=8),
}
"""The function stays the same: exactly but for float32 rounding, or to the precision of the type that is named."""

DAMAGING: Mapping[str, Transform] = {
    "noise-0.3": partial(add_noise, sigma=0.3),
    "noise-1": partial(add_noise, sigma=1.0),
    "shuffle": shuffle,
    "reinitialise": reinitialise,
    "reinitialise-half": partial(reinitialise, share=0.5),
    "swap-layers": swap_layers,
    "quantise-3": partial(quantise, bits=3),
    "quantise-2": partial(quantise, bits=2),
}
"""The network is no longer the one that was trained. `damage.truncated` needs an earlier snapshot, and is not here."""
