"""Rotary position embedding (Su et al. 2021): angles from the configuration, and the rotation of queries and keys."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, floor, log, pi, sqrt

import numpy as np

from metagauge.architecture.templates.settings import Settings
from metagauge.architecture.templates.sketch import Sketch, Value
from metagauge.errors import StructureNotInferableError

_LARGEST_HEAD = 1 << 14


def rope_settings(settings: Settings, layer_type: str) -> Settings:
    """The rotary parameters: `rope_parameters` of newer configurations, or what older ones spread over several keys."""
    new = settings.values.get("rope_parameters")
    if isinstance(new, dict):
        nested = new.get(layer_type)
        values = nested if isinstance(nested, dict) else new
    else:
        old = settings.values.get("rope_scaling")
        values = dict(old) if isinstance(old, dict) else {}
        if "type" in values:
            values.setdefault("rope_type", values["type"])
        own = {"rope_theta": ("rope_theta", "rotary_emb_base"), "partial_rotary_factor": ("partial_rotary_factor",)}
        for key, spellings in own.items():
            for spelling in spellings:
                if settings.values.get(spelling) is not None:
                    values.setdefault(key, settings.values[spelling])
        if settings.values.get("rotary_pct") is not None:
            values.setdefault("partial_rotary_factor", settings.values["rotary_pct"])
        local = settings.find("rope_local_base_freq")
        if layer_type == "sliding_attention" and local is not None:  # Gemma 3: local layers turn faster, unscaled
            values = {"rope_theta": local}
    for key in ("original_max_position_embeddings", "max_position_embeddings"):
        if settings.values.get(key) is not None:
            values = {key: settings.values[key], **values}
    defaults = {key: settings.defaults[key] for key in _WITH_DEFAULT if key in settings.defaults}
    return replace(settings, values=values, defaults=defaults, path=f"{settings.path}rope_parameters.")


_WITH_DEFAULT = ("rope_theta", "partial_rotary_factor", "max_position_embeddings")


def rotary_size(rope: Settings, head: int) -> int:
    """How many features of a head of `head` are turned; an odd number turns one more, as pairs do."""
    share = rope.number("$partial_rotary_factor|1.0")
    size = int(head * share)
    if not 0 < size + size % 2 <= min(head, _LARGEST_HEAD):
        message = f"config.json: a partial_rotary_factor of {share} turns {size} of {head} features of a head"
        raise StructureNotInferableError(message)
    return size


def angles(rope: Settings, size: int, positions: np.ndarray) -> tuple[np.ndarray, float]:
    """Angles (positions, size / 2), and the factor on their cosines and sines."""
    kind = rope.text("$rope_type|default")
    if kind not in _SCALINGS:
        raise StructureNotInferableError(f"config.json: rope_type {kind[:60]!r} is not known")
    theta = rope.number("$rope_theta")
    if not theta > 0:
        raise StructureNotInferableError(f"config.json: rope_theta is {theta}, and it has to be positive")
    try:
        frequencies, factor = _SCALINGS[kind](rope, theta, size)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise StructureNotInferableError(f"config.json: the rotary scaling {kind!r} cannot be computed") from error
    return positions[:, None] * frequencies[None, :], factor


def rotate(sketch: Sketch, value: Value, turns: tuple[np.ndarray, float], *, interleaved: bool) -> Value:
    """The first features of each head of `value` (batch, heads, tokens, features) turned by the angles.

    Pairs are (i, i + size / 2), or (2 i, 2 i + 1) where `interleaved` (GPT-J).
    """
    angle, factor = turns
    size = 2 * angle.shape[1]
    spread = np.repeat(angle, 2, axis=1) if interleaved else np.concatenate([angle, angle], axis=1)
    cosine = sketch.constant((np.cos(spread) * factor).astype(np.float32)[None, None])
    sine = sketch.constant((np.sin(spread) * factor).astype(np.float32)[None, None])
    turned = sketch.slice(value, -1, 0, size)
    other = _swap_pairs(sketch, turned) if interleaved else _swap_halves(sketch, turned)
    turned = sketch.add(sketch.multiply(turned, cosine), sketch.multiply(other, sine))
    rest = value.shape[-1] - size
    return turned if rest == 0 else sketch.concat([turned, sketch.slice(value, -1, size, size + rest)], -1)


def _swap_halves(sketch: Sketch, value: Value) -> Value:
    half = value.shape[-1] // 2
    first, second = sketch.slice(value, -1, 0, half), sketch.slice(value, -1, half, 2 * half)
    return sketch.concat([sketch.elementwise("Neg", second), first], -1)


def _swap_pairs(sketch: Sketch, value: Value) -> Value:
    *outer, size = value.shape
    pairs = sketch.reshape(value, (*outer, size // 2, 2))
    first, second = sketch.slice(pairs, -1, 0, 1), sketch.slice(pairs, -1, 1, 2)
    return sketch.reshape(sketch.concat([sketch.elementwise("Neg", second), first], -1), tuple(value.shape))


def _plain(theta: float, size: int) -> np.ndarray:
    return 1.0 / theta ** (np.arange(0, size, 2, dtype=np.float32) / size)


def _default(rope: Settings, theta: float, size: int) -> tuple[np.ndarray, float]:
    return _plain(theta, size), 1.0


def _linear(rope: Settings, theta: float, size: int) -> tuple[np.ndarray, float]:
    return _plain(theta, size) / rope.number("$factor"), 1.0


def _llama3(rope: Settings, theta: float, size: int) -> tuple[np.ndarray, float]:
    """Long waves are stretched, short ones kept, and those between interpolated (Llama 3.1)."""
    frequencies = _plain(theta, size)
    factor, low, high = rope.number("$factor"), rope.number("$low_freq_factor"), rope.number("$high_freq_factor")
    context = rope.integer("$original_max_position_embeddings|$max_position_embeddings")
    smooth = np.clip((context * frequencies / (2 * pi) - low) / (high - low), 0, 1)
    return (1 - smooth) * frequencies / factor + smooth * frequencies, 1.0


def _yarn(rope: Settings, theta: float, size: int) -> tuple[np.ndarray, float]:
    """YaRN (Peng et al. 2023, sec. 3)."""
    context = rope.integer("$original_max_position_embeddings|$max_position_embeddings")
    factor = rope.number("$factor")
    bounds = []
    for turns in (rope.number("$beta_fast|32"), rope.number("$beta_slow|1")):
        bounds.append(size * log(context / (turns * 2 * pi)) / (2 * log(theta)))
    if rope.resolve("$truncate") is not False:
        bounds = [floor(bounds[0]), ceil(bounds[1])]
    low, high = max(bounds[0], 0), min(bounds[1], size - 1)
    ramp = np.clip((np.arange(size // 2, dtype=np.float32) - low) / max(high - low, 0.001), 0, 1)
    frequencies = _plain(theta, size)
    return frequencies / factor * ramp + frequencies * (1 - ramp), _yarn_attention(rope, factor)


def yarn_magnitude(factor: float, magnitude: float) -> float:
    """How much sharper attention gets in a context `factor` times as long (YaRN, eq. 22, as DeepSeek writes it)."""
    return 1.0 if factor <= 1 else 0.1 * magnitude * log(factor) + 1.0


def _yarn_attention(rope: Settings, factor: float) -> float:
    if rope.find("attention_factor") is not None:
        return rope.number("$attention_factor")
    one, all_features = rope.resolve("$mscale|0"), rope.resolve("$mscale_all_dim|0")
    if rope.number(one) and rope.number(all_features):
        return yarn_magnitude(factor, rope.number(one)) / yarn_magnitude(factor, rope.number(all_features))
    return yarn_magnitude(factor, 1.0)


def _longrope(rope: Settings, theta: float, size: int) -> tuple[np.ndarray, float]:
    """LongRoPE (Ding et al. 2024) within the original context, where its short factors hold."""
    short = rope.resolve("$short_factor")
    if not isinstance(short, list) or len(short) != size // 2:
        raise StructureNotInferableError(f"config.json: longrope needs {size // 2} numbers in short_factor")
    context = rope.integer("$original_max_position_embeddings|$max_position_embeddings")
    factor = rope.number("$factor|0") or rope.integer("$max_position_embeddings") / context
    attention = 1.0 if factor <= 1 else sqrt(1 + log(factor) / log(context))
    if rope.find("attention_factor") is not None:
        attention = rope.number("$attention_factor")
    return _plain(theta, size) / np.array([rope.number(item) for item in short], dtype=np.float32), attention


_SCALINGS: Mapping[str, Callable[[Settings, float, int], tuple[np.ndarray, float]]] = {
    "default": _default,
    "dynamic": _default,  # within the original context, which our samples never leave
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
    "su": _longrope,
}
