"""Multi-head latent attention (DeepSeek-AI 2024, sec. 2.1): keys and values unfold from one short vector per token."""

import numpy as np

from metagauge.architecture.templates.blocks.attention import merge_heads, mix, split_heads
from metagauge.architecture.templates.blocks.rotary import angles, rope_settings, rotate, yarn_magnitude
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError

_EPSILON = 1e-6
"""Of the norms of the latents, whatever rms_norm_eps says."""


def latent_attention(drawing: Drawing, step: Step) -> None:
    """`{ latent_attention = PREFIX, heads = COUNT, turned = SIZE, unturned = SIZE, interleaved = FLAG }`.

    Of each head's query and key features only the last `turned` know the place; those of the keys are shared.
    """
    sketch, heads = drawing.sketch, step.integer("heads")
    turned, unturned = step.integer("turned"), step.integer("unturned")
    with drawing.at(step.target):
        value = drawing.current
        queries = split_heads(drawing, _queries(drawing, value), heads)
        content, places = sketch.split(queries, -1, (unturned, turned))
        compressed = drawing.linear("kv_a_proj_with_mqa", value)
        rank = drawing.weight("kv_a_layernorm.weight", axes=1).shape[0]
        latent, shared = sketch.split(compressed, -1, (rank, turned))
        latent = sketch.rms_norm(latent, drawing.weight("kv_a_layernorm.weight"), _EPSILON)
        unfolded = split_heads(drawing, drawing.linear("kv_b_proj", latent), heads)
        keys, values = sketch.split(unfolded, -1, (unturned, unfolded.shape[-1] - unturned))
        rope = rope_settings(drawing.settings, "")
        turns = angles(rope, _even(turned), np.arange(value.shape[1], dtype=np.float32))
        places = rotate(sketch, places, turns, interleaved=step.flag("interleaved"))
        shared = rotate(sketch, split_heads(drawing, shared, 1), turns, interleaved=step.flag("interleaved"))
        shared = sketch.expand(shared, (shared.shape[0], heads, *shared.shape[2:]))
        queries, keys = sketch.concat([content, places], -1), sketch.concat([keys, shared], -1)
        tokens = np.arange(value.shape[1])
        mask = tokens[:, None] >= tokens[None, :]
        scale = queries.shape[-1] ** -0.5 * _sharpened(rope)
        mixed = mix(drawing, (queries, keys, values), scale=scale, bias=None, mask=mask)
        drawing.value = drawing.linear("o_proj", merge_heads(drawing, mixed))


def _queries(drawing: Drawing, value: Value) -> Value:
    """Of one projection, or of two with a norm between."""
    if drawing.has("q_proj.weight"):
        return drawing.linear("q_proj", value)
    short = drawing.linear("q_a_proj", value)
    normal = drawing.sketch.rms_norm(short, drawing.weight("q_a_layernorm.weight"), _EPSILON)
    return drawing.linear("q_b_proj", normal)


def _sharpened(rope: Settings) -> float:
    """What YaRN's longer context asks of the scores."""
    if rope.text("$rope_type|default") == "default" or not rope.number("$mscale_all_dim|0"):
        return 1.0
    return yarn_magnitude(rope.number("$factor"), rope.number("$mscale_all_dim")) ** 2


def _even(size: int) -> int:
    if size <= 0 or size % 2:
        raise ArchitectureMismatchError(f"config.json: qk_rope_head_dim is {size}, and pairs of features are turned")
    return size
