"""The algebra of axes: what a structure claims, a permutation has to keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagauge.graph.symmetry.axis import concat, is_pinned, leaf, ordered, part, pin, product, regroup, split, unify
from metagauge.graph.symmetry.inference import Symmetry
from metagauge.graph.symmetry.permutation import permutations


def drawn(*axes):
    """One random permutation of an array with these axes."""
    return permutations(Symmetry(values={}, tensors={"array": axes}), seed=3)["array"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_a_reshape_of_a_permuted_array_is_the_permuted_reshape(shape, data):
    total = int(np.prod(shape))
    divisors = [n for n in range(1, total + 1) if total % n == 0]
    first = data.draw(st.sampled_from(divisors))
    after = (first, total // first)
    before = tuple(leaf(size) for size in shape)
    made = regroup(before, after)
    array = np.arange(total).reshape(shape)
    if made is None:
        assert all(is_pinned(axis) for axis in before)
        return
    both = permutations(Symmetry(values={}, tensors={"old": before, "new": tuple(made)}), seed=1)
    old, new = np.ix_(*both["old"]), np.ix_(*both["new"])
    np.testing.assert_array_equal(array[old].reshape(after), array.reshape(after)[new])


def test_heads_move_as_blocks():
    heads, width = leaf(4), leaf(3)
    (index,) = drawn(product([heads, width]))
    blocks = index.reshape(4, 3)
    assert (blocks // 3 == blocks[:, :1] // 3).all()
    assert (blocks % 3 == blocks[:1] % 3).all()


def test_parts_of_an_axis_are_permuted_in_themselves():
    axis = leaf(6)
    first = part(axis, 0, 2)
    both = permutations(Symmetry(values={}, tensors={"whole": (axis,), "part": (first,)}), seed=5)
    np.testing.assert_array_equal(both["whole"][0][:2], both["part"][0])
    assert set(both["whole"][0][2:]) == {2, 3, 4, 5}


def test_unequal_factors_are_refined_on_both_sides():
    left, right = product([leaf(4), leaf(6)]), product([leaf(8), leaf(3)])
    unify(left, right)
    one, other = drawn(left), drawn(right)
    assert sorted(axis.size for axis in left.leaves()) == [2, 3, 4]
    assert one[0].tolist() == drawn(left)[0].tolist()
    both = permutations(Symmetry(values={}, tensors={"left": (left,), "right": (right,)}), seed=2)
    np.testing.assert_array_equal(both["left"][0], both["right"][0])
    assert len(other[0]) == 24


def test_factors_without_common_borders_are_pinned():
    left, right = product([leaf(4), leaf(9)]), product([leaf(6), leaf(6)])
    unify(left, right)
    assert is_pinned(left)
    assert is_pinned(right)


def test_concatenations_agree_on_all_borders():
    left, right = concat([leaf(2), leaf(4)]), concat([leaf(3), leaf(3)])
    unify(left, right)
    both = permutations(Symmetry(values={}, tensors={"left": (left,), "right": (right,)}), seed=2)
    np.testing.assert_array_equal(both["left"][0], both["right"][0])
    assert [axis.size for axis in left.leaves()] == [2, 3]


def test_three_projections_in_one_share_their_heads():
    fused = concat([leaf(6), leaf(6), leaf(6)])
    made = split(fused, (3, 2, 3))
    assert made is not None
    assert [axis.size for axis in made] == [3, 2, 3]
    (index,) = drawn(fused)
    assert (index[6:12] - 6 == index[:6]).all()
    assert (index[12:] - 12 == index[:6]).all()


def test_pinning_reaches_every_place_of_an_axis():
    axis = leaf(5)
    other = leaf(5)
    unify(axis, other)
    pin(other)
    assert is_pinned(axis)
    assert drawn(axis)[0].tolist() == [0, 1, 2, 3, 4]


def test_the_same_axis_twice_is_permuted_once():
    axis = leaf(7)
    rows, columns = drawn(axis, axis)
    np.testing.assert_array_equal(rows, columns)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_one_place_of_an_ordered_axis_needs_no_border(start):
    axis = ordered(3)
    assert part(axis, start, 1).size == 1
    assert axis.form == "leaf"
