"""Every step that a family's file may contain, by its verb."""

from collections.abc import Mapping

from metagauge.architecture.templates.blocks import attention, basic, biases, experts
from metagauge.architecture.templates.drawing import Verb

VERBS: Mapping[str, Verb] = {
    "tokens": basic.tokens,
    "keep": basic.keep,
    "take": basic.take,
    "add": basic.add,
    "give": basic.give,
    "embed": basic.embed,
    "positions": basic.positions,
    "types": basic.types,
    "norm": basic.norm,
    "linear": basic.linear,
    "act": basic.function,
    "scale": basic.scale,
    "times": basic.times,
    "plus": basic.plus,
    "residual": basic.residual,
    "parallel": basic.parallel,
    "gated": basic.gated,
    "layers": basic.layers,
    "at": basic.at,
    "within": basic.within,
    "either": basic.either,
    "use": basic.use,
    "select": basic.select,
    "last": basic.last,
    "mean": basic.mean,
    "squeeze": basic.squeeze,
    "cut": basic.cut,
    "transpose": basic.transpose,
    "cap": basic.tanh_cap,
    "require": basic.require,
    "slopes": biases.slopes,
    "buckets": biases.buckets,
    "spans": basic.spans,
    "attend": attention.attend,
    "experts": experts.experts,
}
