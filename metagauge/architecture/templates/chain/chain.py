"""Plain chains: layers applied one after the other, with functions between them that the file says nothing of."""

from itertools import pairwise
from math import prod

from metagauge.architecture.templates.chain.modules import Module, modules
from metagauge.architecture.templates.chain.order import Ordered, ordered
from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import (
    Activation,
    BatchNorm,
    Conv,
    Flatten,
    GlobalPool,
    LayerNorm,
    Linear,
    Padding,
    Part,
    Plan,
    PRelu,
    Unknown,
)

_SIDE = 16
"""Positions along each axis of a map whose size nothing tells."""


def chain(listing: Listing, hints: Hints) -> Plan | str:
    """The plan of a chain, or why the tensors are none."""
    found = modules(listing)
    if isinstance(found, str):
        return found
    order = ordered(found)
    if isinstance(order, str):
        return order
    layers = [module for module in order.modules if module.is_layer]
    if not layers:
        return "there is no layer in it"
    if any(after.kind == "convolution" and before.kind == "linear" for before, after in pairwise(layers)):
        return "a convolution follows a linear layer, and how its map is made of that is not known"
    convolutions = [module for module in layers if module.kind == "convolution"]
    if len({len(module.shape) for module in convolutions}) > 1:
        return "its convolutions have different numbers of axes"
    return _Writing(order=order, convolutions=convolutions, hints=hints).plan()


class _Writing:
    """Goes along the chain with the width of the value that flows."""

    def __init__(self, *, order: Ordered, convolutions: list[Module], hints: Hints) -> None:
        self.order = order
        self.convolutions = convolutions
        self.hints = hints
        self.parts: list[Part] = []
        self.assumed = list(order.assumed)
        self.width = 0
        self.unknown = 0
        self.activations = (hints.activation or "").split(",") if hints.activation else []

    def plan(self) -> Plan | str:
        """The parts, with unknown functions wherever one may be."""
        positions = self._positions()
        if isinstance(positions, str):
            return positions
        inputs = self.width = self._inputs()
        flat = not self.convolutions
        for place, module in enumerate(self.order.modules):
            if place and not (place in self.order.adjacent and module.kind in ("batch_norm", "layer_norm")):
                self._between(module)
            if module.kind == "linear" and not flat:
                reason = self._flatten(module, positions)
                if reason:
                    return reason
                flat = True
            part = self._part(place, module, flat=flat)
            if isinstance(part, str):
                return part
            self.parts.append(part)
        if len(self.activations) not in (0, 1, self.unknown):
            return f"there are {self.unknown} places for an activation in it, and {len(self.activations)} were told"
        self._tell()
        shape = (inputs, *positions) if self.convolutions else (inputs,)
        return Plan(
            family="a chain of layers",
            input_shape=shape,
            layout="map" if self.convolutions else "last",
            parts=tuple(self.parts),
            assumed=tuple(self.assumed),
        )

    def _between(self, module: Module) -> None:
        """What may be between the last module and this one; a PReLU is the activation itself."""
        if module.kind == "prelu" or (self.parts and isinstance(self.parts[-1], PRelu)):
            return
        told = self.activations[min(self.unknown, len(self.activations) - 1)] if self.activations else ""
        self.unknown += 1
        self.parts.append(Activation(function=told.strip()) if told else Unknown())

    def _part(self, place: int, module: Module, *, flat: bool) -> Part | str:
        match module.kind:
            case "linear":
                if module.shape[1] != self.width:
                    return self._misfit(module)
                self.width = module.shape[0]
                return Linear(name=module.name)
            case "convolution":
                return self._convolution(place, module)
            case "batch_norm":
                return BatchNorm(name=module.name) if module.shape == (self.width,) else self._misfit(module)
            case "layer_norm":
                if not flat:
                    return f"{module.name!r} may be a group, instance or layer norm, and its tensors do not tell which"
                if module.shape != (self.width,):
                    return self._misfit(module)
                self.assumed.append(f"{module.name!r} is a layer norm")
                return LayerNorm(name=module.name)
            case "prelu":
                return PRelu(name=module.name) if module.shape[0] in (1, self.width) else self._misfit(module)

    def _convolution(self, place: int, module: Module) -> Part | str:
        """A convolution, or a transposed one where widths leave no other reading; in groups only channel by channel."""
        outputs, inputs = module.shape[:2]
        told = self._outputs_of(place)
        grouped = inputs == 1 and outputs == self.width and self.order.is_sequence
        plain = (self.width == inputs or grouped) and told in (None, outputs)
        transposed = self.width == outputs and told in (None, inputs)
        if not plain and not transposed:
            return self._misfit(module)
        if plain and grouped and self.width > 1:
            self.assumed.append(f"{module.name!r} convolves each channel apart")
        if not plain:
            self.assumed.append(f"{module.name!r} is a transposed convolution")
        self.width = outputs if plain else inputs
        padding: Padding = tuple(((size - 1) // 2, size // 2) for size in module.shape[2:])
        return Conv(name=module.name, padding=padding, transposed=not plain)

    def _outputs_of(self, place: int) -> int | None:
        """How many outputs a layer has by its bias, or by a norm that follows."""
        module = self.order.modules[place]
        after = self.order.modules[place + 1] if place + 1 < len(self.order.modules) else None
        if module.bias is not None:
            return module.bias
        return after.shape[0] if after is not None and after.kind == "batch_norm" else None

    def _inputs(self) -> int:
        """How many numbers, or channels, the first module reads."""
        first = self.order.modules[0]
        if first.kind == "convolution" and self._outputs_of(0) == first.shape[1] != first.shape[0]:
            return first.shape[0]
        return first.shape[1] if first.is_layer else first.shape[0]

    def _positions(self) -> tuple[int, ...] | str:
        """The map's size: what the first linear layer behind the convolutions takes, and else any."""
        if not self.convolutions:
            return ()
        kernels = [module.shape[2:] for module in self.convolutions]
        thin = [all(kernel[axis] == 1 for kernel in kernels) for axis in range(len(kernels[0]))]
        # An axis along which no kernel reaches is one wide, unless none reaches along any.
        free = [axis for axis, is_thin in enumerate(thin) if not is_thin] or list(range(len(thin)))
        linear = next((module for module in self.order.modules if module.kind == "linear"), None)
        side = self.hints.image_size or self.hints.steps or _SIDE
        if linear is not None:
            last = self.convolutions[-1]
            width = self._outputs_of(self.order.modules.index(last)) or last.shape[0]
            count, left = divmod(linear.shape[1], width)
            if left:
                return self._misfit(linear)
            if count > 1:
                root = round(count ** (1 / len(free)))
                if len(free) == 1:
                    side = count
                elif root ** len(free) == count:
                    side = root
                else:
                    return f"{linear.name!r} reads {count} positions of each channel, and those are no square"
        return tuple(side if axis in free else 1 for axis in range(len(thin)))

    def _flatten(self, module: Module, positions: tuple[int, ...]) -> str:
        count, left = divmod(module.shape[1], self.width)
        if left or count not in (1, prod(positions)):
            return self._misfit(module)
        if count == 1 and prod(positions) > 1:
            self.parts.append(GlobalPool())
            self.assumed.append(f"{module.name!r} reads the mean over the positions of each channel")
        else:
            self.assumed.append(f"{module.name!r} reads {list(positions)} positions of each of {self.width} channels")
        self.parts.append(Flatten())
        self.width = module.shape[1]
        return ""

    def _misfit(self, module: Module) -> str:
        return f"{module.name!r} has shape {list(module.shape)}, and {self.width} channels come before it"

    def _tell(self) -> None:
        """What the file does not say."""
        if self.unknown and self.hints.activation:
            self.assumed.append(
                f"the activation between the layers is {self.hints.activation[:100]}, as the caller says"
            )
        elif self.unknown:
            self.assumed.append("the activations between the layers are not known")
        if self.convolutions:
            self.assumed.append(
                "convolutions have stride 1, dilation 1 and keep the map's size, and no pooling is between them"
            )
        if any(module.kind in ("batch_norm", "layer_norm") for module in self.order.modules):
            self.assumed.append("norms have epsilon 1e-5")
