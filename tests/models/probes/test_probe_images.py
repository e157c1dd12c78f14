"""Probe images are always the same, of four unlike kinds, and their views are what they are called."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from models.probes.images import DRAWN, LEARNED, SHIFT, ProbeSet, draw_probes, views
from tests.models.probes.asked import learned

COUNT = 16


def roughness(images: np.ndarray) -> np.ndarray:
    """Mean step between neighbouring pixels: (images,)."""
    return np.abs(np.diff(images.astype(np.float64), axis=3)).mean((1, 2, 3))


def test_one_seed_gives_one_set():
    assert np.array_equal(draw_probes(COUNT, 3).images, draw_probes(COUNT, 3).images)


def test_another_seed_gives_other_images():
    one, other = draw_probes(COUNT, 3), draw_probes(COUNT, 4)
    assert (one.images != other.images).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("count", [1, 5])
def test_there_are_as_many_of_each_kind(count: int):
    drawn = draw_probes(count)
    assert [len(drawn.of(kind)) for kind in range(len(DRAWN))] == [count] * len(DRAWN)
    assert len(drawn.of(LEARNED)) == 0


def test_no_two_images_are_alike():
    images = draw_probes(96).images
    assert len({image.tobytes() for image in images}) == len(images)


def test_kinds_are_as_rough_as_they_are_called():
    drawn = draw_probes(96)
    shapes, noise, leaves, fields = (np.median(roughness(drawn.images[drawn.of(kind)])) for kind in range(len(DRAWN)))
    assert fields < shapes < leaves < noise


def test_half_of_the_fields_are_of_one_colour():
    drawn = draw_probes(COUNT)
    assert (roughness(drawn.images[drawn.of(DRAWN.index("fields"))]) == 0).sum() == COUNT // 2


def test_views_are_mirrored_and_moved():
    images = draw_probes(2).images
    seen = views(images)
    assert np.array_equal(seen["flip"][..., ::-1], images)
    assert np.array_equal(seen["shift"][..., SHIFT:, SHIFT:], images[..., :-SHIFT, :-SHIFT])
    assert np.array_equal(seen["shift"][..., 0, 0], images[..., 0, 0])
    noisy = draw_probes(2).of(DRAWN.index("noise"))
    assert not np.array_equal(seen["flip"][noisy], images[noisy])


def test_a_set_survives_a_file_of_tensors():
    probes = draw_probes(2).joined(learned())
    again = ProbeSet.from_tensors(load(save(probes.tensors())))
    assert np.array_equal(again.images, probes.images)
    assert np.array_equal(again.kind_of, probes.kind_of)
    assert len(again.of(LEARNED)) == 2
