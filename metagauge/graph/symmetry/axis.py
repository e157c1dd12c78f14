"""Axes of values, and which of them are the same set of neurons.

An axis is a leaf, a product of axes (row-major, as a reshape makes it) or a concatenation of axes. Values that are
added, or contracted with each other, share an axis: `unify` says so, and refines both until they agree. What an axis
is made of then says which permutations of it change nothing: any permutation of a leaf that is not pinned, applied
wherever the leaf occurs. Pinned are leaves whose order means something: image positions, classes, tokens.

Sizes of one are trivial: no leaf stands for them.
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal

Form = Literal["leaf", "product", "concat"]


MAX_TERMS = 2048
"""Terms of a concatenation that are told apart: a layer of DenseNet has a few dozen."""


class Axis:
    """One axis; equal axes find the same root."""

    __slots__ = ("_parent", "form", "parts", "pinned", "size")

    def __init__(self, size: int, form: Form = "leaf", parts: "Sequence[Axis]" = (), *, pinned: bool = False) -> None:
        self.size = size
        self.form: Form = form
        self.parts = tuple(parts)
        self.pinned = pinned
        self._parent: Axis | None = None

    def root(self) -> "Axis":
        """What stands for this axis and all that were found equal to it."""
        axis = self
        while axis._parent is not None:
            axis = axis._parent
        if axis is not self:
            self._parent = axis
        return axis

    def leaves(self) -> "Iterator[Axis]":
        """The leaves below, in order; none of size one."""
        axis = self.root()
        if axis.form == "leaf":
            if axis.size != 1:
                yield axis
        else:
            for part in axis.parts:
                yield from part.leaves()

    def join(self, other: "Axis") -> None:
        """Lets a root stand for another one."""
        other._parent = self

    def refine(self, form: Form, parts: "Sequence[Axis]") -> None:
        """Says what a root is made of."""
        self.form, self.parts = form, tuple(parts)


Axes = tuple[Axis, ...]
Shape = tuple[int, ...]


def leaf(size: int) -> Axis:
    """A new set of neurons, free to be permuted."""
    return Axis(size)


def ordered(size: int) -> Axis:
    """A new axis whose order means something."""
    return Axis(size, pinned=True)


def product(axes: Sequence[Axis]) -> Axis:
    """The axis that a reshape makes of several, the last one running fastest."""
    wide = [axis for axis in axes if axis.size != 1]
    if len(wide) == 1:
        return wide[0]
    return Axis(prod(axis.size for axis in axes), "product", wide) if wide else Axis(1)


def concat(axes: Sequence[Axis]) -> Axis:
    """The axis that has these one behind the other; of more terms than can be told apart, one in their order."""
    filled = [axis for axis in axes if axis.size]
    if _is_wide(filled):
        for axis in dict.fromkeys(axis.root() for axis in filled):
            pin(axis)
        return Axis(sum(axis.size for axis in axes), pinned=True)
    return filled[0] if len(filled) == 1 else Axis(sum(axis.size for axis in axes), "concat", filled)


def pin(axis: Axis) -> None:
    """Says that the order along an axis means something, and along all it is made of."""
    waiting, seen = [axis.root()], set[Axis]()
    while waiting:
        part = waiting.pop().root()
        if part not in seen:
            seen.add(part)
            part.pinned = part.pinned or part.form == "leaf"
            waiting.extend(part.parts)


def _is_wide(axes: Sequence[Axis]) -> bool:
    """Whether there are more terms below than MAX_TERMS, shared ones counted wherever they occur."""
    waiting, seen = list(axes), 0
    while waiting:
        seen += 1
        if seen > MAX_TERMS:
            return True
        waiting.extend(waiting.pop().root().parts)
    return False


def is_pinned(axis: Axis) -> bool:
    """Whether no leaf below may be permuted."""
    return all(each.pinned for each in axis.leaves())


def factors(axis: Axis) -> list[Axis]:
    """The axes whose product this is, products taken apart."""
    axis = axis.root()
    if axis.form == "product":
        return [factor for part in axis.parts for factor in factors(part)]
    return [axis]


def terms(axis: Axis) -> list[Axis]:
    """The axes that this concatenates, concatenations taken apart."""
    axis = axis.root()
    if axis.form == "concat":
        return [term for part in axis.parts for term in terms(part)]
    return [axis]


def unify(left: Axis, right: Axis) -> None:
    """Makes two axes of one size the same; where their structures do not agree, both are pinned."""
    left, right = left.root(), right.root()
    if left is right or left.size != right.size or left.size == 1:
        return
    if left.form == "leaf" or right.form == "leaf":
        small, big = (left, right) if left.form == "leaf" else (right, left)
        if small.pinned:
            pin(big)
        big.join(small)
        return
    agreed = {
        ("product", "product"): _unify_products,
        ("concat", "concat"): _unify_concats,
        ("product", "concat"): _unify_mixed,
        ("concat", "product"): lambda one, other: _unify_mixed(other, one),
    }[left.form, right.form](left, right)
    left, right = left.root(), right.root()
    if not agreed:
        pin(left)
        pin(right)
    elif left is not right:
        left.join(right)


def split(axis: Axis, sizes: Sequence[int]) -> list[Axis] | None:
    """The factors of an axis with these sizes, or None (and pinned) if it is not such a product."""
    axis = axis.root()
    if axis.form == "leaf":
        parts = [Axis(size, pinned=axis.pinned) for size in sizes]
        wide = [part for part in parts if part.size != 1]
        if len(wide) == 1:
            return [axis if part.size != 1 else part for part in parts]
        if wide:
            axis.refine("product", wide)
        return parts
    if axis.form == "concat" and not _regroup(axis, prod(sizes[1:]), sizes[1:]):
        pin(axis)
        return None
    return regroup(factors(axis), sizes)


def regroup(axes: Sequence[Axis], sizes: Sequence[int]) -> list[Axis] | None:
    """A reshape: axes with these sizes made of those, row-major; None (and all pinned) if they do not fit each other.

    An axis that has to be taken apart is refined, wherever it occurs.
    """
    waiting = [axis for axis in axes if axis.size != 1]
    grouped: list[Axis] = []
    for size in sizes:
        need, group = size, []
        while need > 1 and waiting:
            first = waiting.pop(0)
            if need % first.size == 0:
                group.append(first)
                need //= first.size
                continue
            halves = split(first, (need, first.size // need)) if first.size % need == 0 else None
            if halves is None:
                need = 0
                break
            group.append(halves[0])
            waiting.insert(0, halves[1])
            need = 1
        if need != 1:
            for axis in axes:
                pin(axis)
            return None
        grouped.append(product(group))
    return grouped


def part(axis: Axis, start: int, count: int) -> Axis:
    """The run of `count` elements from `start`; an axis that has no border there is refined, or pinned."""
    axis = axis.root()
    if start == 0 and count == axis.size:
        return axis
    if count == 1 and axis.form == "leaf" and axis.pinned:
        return Axis(1)
    found = _cut(axis, start)
    if found is not None:
        found = _cut(found[1], count)
    if found is None:
        pin(axis)
        return ordered(count)
    return found[0]


def _cut(axis: Axis, at: int) -> tuple[Axis, Axis] | None:
    """The axis before and after a border."""
    axis = axis.root()
    if at in (0, axis.size):
        none = Axis(0)
        return (none, axis) if at == 0 else (axis, none)
    if axis.form == "leaf":
        halves = Axis(at, pinned=axis.pinned), Axis(axis.size - at, pinned=axis.pinned)
        axis.refine("concat", halves)
        return halves
    if axis.form == "product":
        lead, *rest = factors(axis)
        inner = prod(each.size for each in rest)
        halves = _cut(lead, at // inner) if at % inner == 0 else None
        return None if halves is None else (product([halves[0], *rest]), product([halves[1], *rest]))
    before: list[Axis] = []
    after = terms(axis)
    while at >= after[0].size:
        at -= after[0].size
        before.append(after.pop(0))
        if not after:
            break
    if at:
        halves = _cut(after[0], at)
        if halves is None:
            return None
        before.append(halves[0])
        after[0] = halves[1]
    return concat(before), concat(after)


def _unify_products(left: Axis, right: Axis) -> bool:
    ones, others = factors(left), factors(right)
    while ones and others:
        one, other = ones.pop(0), others.pop(0)
        small = min(one.size, other.size)
        if max(one.size, other.size) % small:
            return False
        pairs = [one, other]
        for side, rest in ((0, ones), (1, others)):
            if pairs[side].size != small:
                halves = split(pairs[side], (small, pairs[side].size // small))
                if halves is None:
                    return False
                pairs[side] = halves[0]
                rest.insert(0, halves[1])
        unify(pairs[0], pairs[1])
    return not ones and not others


def _unify_concats(left: Axis, right: Axis) -> bool:
    ones, others = terms(left), terms(right)
    while ones and others:
        one, other = ones.pop(0), others.pop(0)
        small = min(one.size, other.size)
        pairs = [one, other]
        for side, rest in ((0, ones), (1, others)):
            if pairs[side].size != small:
                halves = _cut(pairs[side], small)
                if halves is None:
                    return False
                pairs[side] = halves[0]
                rest.insert(0, halves[1])
        unify(pairs[0], pairs[1])
    return not ones and not others


def _unify_mixed(left: Axis, right: Axis) -> bool:
    """A product with a concatenation."""
    sizes = [factor.size for factor in factors(left)]
    if not _regroup(right, prod(sizes[1:]), sizes[1:]):
        return False
    return _unify_products(left, right)


def _regroup(axis: Axis, inner: int, sizes: Sequence[int]) -> bool:
    """Turns a concatenation of products that share their last factors into a product whose first one concatenates."""
    parts = terms(axis)
    if inner == 1 or any(each.size % inner for each in parts):
        return False
    taken = [split(each, (each.size // inner, *sizes)) for each in parts]
    if any(each is None for each in taken):
        return False
    rows = [each for each in taken if each is not None]
    for row in rows[1:]:
        for shared, own in zip(rows[0][1:], row[1:], strict=True):
            unify(shared, own)
    # A leading size of one is a place in the concatenation all the same.
    lead = Axis(len(rows), pinned=True) if all(row[0].size == 1 for row in rows) else concat([row[0] for row in rows])
    axis.refine("product", [lead, *(each for each in rows[0][1:] if each.size != 1)])
    return True
