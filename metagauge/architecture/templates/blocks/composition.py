"""How steps are put together: residuals, layers, alternatives, and settings that a family asks for."""

from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.family import Fields
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import StructureNotInferableError


def residual(drawing: Drawing, step: Step) -> None:
    """`{ residual = [steps], from = KEPT }`: what the steps make of the current value, plus that value.

    `factor` multiplies the branch (Granite).
    """
    before = drawing.current
    drawing.run(step.steps("residual"))
    branch = drawing.current
    if step.has("factor"):
        branch = drawing.sketch.scale(branch, step.number("factor"))
    drawing.value = drawing.sketch.add(before, branch)


def parallel(drawing: Drawing, step: Step) -> None:
    """`{ parallel = [[steps], [steps]] }`: the current value plus what each branch makes of it (GPT-J, GPT-NeoX)."""
    before = drawing.current
    total: Value | None = None
    for steps in step.branches("parallel"):
        drawing.value = before
        drawing.run(steps)
        total = drawing.current if total is None else drawing.sketch.add(total, drawing.current)
    drawing.value = before if total is None else drawing.sketch.add(before, total)


def stages(drawing: Drawing, step: Step) -> None:
    """`{ stages = LIST, as = LETTER, at = PREFIX, steps = [...] }`: the steps once for each item of a list."""
    listed = step.resolved("stages")
    if not isinstance(listed, list):
        message = f"config.json: {step.fields['stages']} is {str(listed)[:60]!r}, and a list is needed"
        raise StructureNotInferableError(message)
    _repeated(drawing, step, drawing.count_layers(len(listed)))


def layers(drawing: Drawing, step: Step) -> None:
    """`{ layers = COUNT, at = "h.{i}", steps = [...] }`: the steps once for each layer.

    `as` is another letter for the layer's number, for layers within layers.
    """
    _repeated(drawing, step, drawing.count_layers(step.resolved("layers")))


def _repeated(drawing: Drawing, step: Step, times: int) -> None:
    letter, outer = step.name("as", "i"), drawing.layer
    for layer in range(times):
        drawing.layer = layer
        drawing.indices[letter] = layer
        with drawing.at(step.name("at")):
            drawing.run(step.steps("steps"))
    drawing.layer = outer


def at(drawing: Drawing, step: Step) -> None:
    """`{ at = PREFIX, steps = [...] }`: steps whose tensors' names begin with PREFIX."""
    with drawing.at(step.target):
        drawing.run(step.steps("steps"))


def within(drawing: Drawing, step: Step) -> None:
    """`{ within = KEY, steps = [...] }`: steps that read their settings from a nested object of config.json."""
    outer = drawing.settings
    drawing.settings = outer.inside(step.target)
    drawing.run(step.steps("steps"))
    drawing.settings = outer


def either(drawing: Drawing, step: Step) -> None:
    """`{ either = [[steps with `when` on the first], ...] }`: the first list whose first step applies."""
    for steps in step.branches("either"):
        if Step(drawing=drawing, fields=_first(steps)).applies():
            drawing.run(steps)
            return


def use(drawing: Drawing, step: Step) -> None:
    """`{ use = PART }`: the steps of a named part."""
    drawing.run(step.part(step.target).steps("steps"))


def require(drawing: Drawing, step: Step) -> None:
    """`{ require = KEY, is = VALUES }`: refuses configurations whose value at KEY this template does not cover."""
    found = drawing.settings.find(step.target)
    stated = step.fields["is"]
    allowed = stated if isinstance(stated, list) else [stated]
    if found not in allowed and not (found is None and "none" in allowed):
        message = f"config.json: {drawing.settings.path}{step.target} is {str(found)[:60]!r}"
        raise StructureNotInferableError(f"{message}, which the template of this family does not cover")


def _first(steps: tuple[Fields, ...]) -> Fields:
    return steps[0] if steps else {"use": "nothing"}
