"""Numbers about answers are finite, and do not depend on what the softmax does not see."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.probes.convention import CLASSES
from models.probes.images import DRAWN, VIEWS
from models.probes.responses import (
    RESPONSE_FEATURES,
    RESPONSE_NAMES,
    Answers,
    needs_class_order,
    response_names,
    responses,
)

EACH = 5
DRAWN_IMAGES = EACH * len(DRAWN)
EXTREME = st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e5, -1e9, 1e30, float("inf"), float("-inf"), float("nan")])


def answers(logits: Tensor, learned: int = 0) -> Answers:
    """Of (networks, drawn + views * drawn + learned, classes): every image has its views."""
    own, *others = logits[:, : DRAWN_IMAGES * 3].split(DRAWN_IMAGES, dim=1)
    return Answers(
        drawn=own,
        kind_of=torch.arange(len(DRAWN)).repeat_interleave(EACH),
        views=dict(zip(VIEWS, others, strict=True)),
        viewed=torch.arange(DRAWN_IMAGES),
        learned=logits[:, DRAWN_IMAGES * 3 :][:, :learned],
    )


def random_logits(seed: int = 0, learned: int = 0, scale: float = 2.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(2, DRAWN_IMAGES * 3 + learned, CLASSES, generator=generator)


def of(name: str, said: Tensor) -> Tensor:
    return said[:, RESPONSE_NAMES.index(name)]


def test_every_number_has_a_name_of_its_own():
    said = responses(answers(random_logits(learned=3), learned=3))
    assert said.shape == (2, len(response_names(3)))
    assert len(set(response_names(3))) == said.shape[1] == RESPONSE_FEATURES + 3 * CLASSES
    assert response_names(3)[:RESPONSE_FEATURES] == RESPONSE_NAMES


@settings(max_examples=40, deadline=None)
@given(st.lists(EXTREME, min_size=4, max_size=4), st.integers(0, 9))
def test_numbers_are_finite_for_any_logits(extremes: list[float], seed: int):
    logits = random_logits(seed, learned=1)
    places = torch.randint(logits.numel(), (200,), generator=torch.Generator().manual_seed(seed))
    logits.view(-1)[places] = torch.tensor(extremes).repeat(50)
    assert responses(answers(logits, learned=1)).isfinite().all()


@pytest.mark.parametrize("logits", [torch.zeros(2, DRAWN_IMAGES * 3, CLASSES), random_logits(scale=1e12)])
def test_numbers_are_finite_where_nothing_or_everything_differs(logits: Tensor):
    assert responses(answers(logits)).isfinite().all()


def test_a_constant_for_each_image_changes_nothing():
    logits = random_logits()
    shifted = logits + 5 * torch.randn(*logits.shape[:2], 1, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(responses(answers(shifted)), responses(answers(logits)), rtol=1e-4, atol=1e-4)


def test_a_constant_for_one_class_changes_much():
    logits = random_logits()
    shifted = logits.clone()
    shifted[..., 3] += 5
    said, before = responses(answers(shifted)), responses(answers(logits))
    assert (said - before).abs().max() > 0.1
    assert (of("all: variety of answers", said) < of("all: variety of answers", before)).all()


def test_the_order_of_classes_matters_where_it_is_said_to():
    logits = random_logits()
    order = torch.randperm(CLASSES, generator=torch.Generator().manual_seed(2))
    before, after = responses(answers(logits)), responses(answers(logits[..., order]))
    needs = torch.from_numpy(needs_class_order())
    torch.testing.assert_close(after[:, ~needs], before[:, ~needs])
    assert (after[:, needs] - before[:, needs]).abs().max() > 0.01
    assert needs.sum() == 2 * len(DRAWN) * CLASSES


def test_numbers_are_what_they_are_called():
    sure = torch.zeros(1, DRAWN_IMAGES * 3, CLASSES)
    sure[..., 4] = 30.0
    said = responses(answers(sure))
    for name, value in {
        "all: confidence": 1.0,
        "all: entropy": 0.0,
        "noise: margin": 1.0,
        "all: variety of answers": 0.0,
        "leaves: share between images": 0.0,
        "all: flip agreement": 1.0,
        "all: shift divergence": 0.0,
        "fields: probability of class 4": 1.0,
        "fields: log probability of class 4": 0.0,
        "fields: probability of class 5": 0.0,
    }.items():
        assert float(of(name, said)) == pytest.approx(value, abs=1e-4), name


def test_unsteady_answers_agree_less():
    steady = random_logits()
    steady[:, DRAWN_IMAGES : 2 * DRAWN_IMAGES] = steady[:, :DRAWN_IMAGES]
    said = responses(answers(steady))
    assert (of("all: flip agreement", said) == 1).all()
    assert (of("all: flip divergence", said) < 1e-6).all()
    assert (of("all: shift agreement", said) < 1).all()
    assert (of("all: shift divergence", said) > 0.1).all()


def test_learned_answers_can_be_learned_from():
    logits = torch.zeros(1, DRAWN_IMAGES * 3 + 2, CLASSES)
    logits[:, DRAWN_IMAGES:] = random_logits(3, learned=2)[:1, DRAWN_IMAGES:]
    logits.requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=RESPONSE_FEATURES + 20).astype(np.float32))
    (responses(answers(logits, learned=2)) @ weights).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[:, -2:].abs().max() > 0
