"""What a layer is, in words and as data."""

import pytest

from metagauge.architecture.layers import Activation, BatchNorm, Conv, GroupNorm, Layer, Pool
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.settings import settings, settings_text

WEIGHT = Parameter(tensor="w")


def conv(**changes) -> Conv:
    usual = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    return Conv(**{"weight": WEIGHT, **usual, **changes})


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (conv(), "kernel 3x5"),
        (conv(stride=(2, 1), dilation=(2, 2), groups=4), "kernel 3x5, stride 2x1, dilation 2, groups 4"),
        (conv(padding=((1, 1), (0, 2))), "kernel 3x5, padding 1x0:2"),
        (Activation(function="relu"), "relu"),
        (Activation(function="elu", slope=0.5), "elu, slope 0.5"),
        (GroupNorm(groups=1, scale=WEIGHT), "groups 1, epsilon 1e-05"),
        (BatchNorm(mean=WEIGHT, variance=WEIGHT, epsilon=1e-3), "epsilon 0.001"),
        (
            Pool(reduction="mean", kernel=(2, 2), stride=(2, 2), padding=((1, 1), (1, 1)), count_padding=False),
            "mean, kernel 2x2, stride 2, padding 1, padding not counted",
        ),
    ],
)
def test_settings_are_told_where_they_are_not_the_usual_ones(layer: Layer, text: str):
    assert settings_text(settings(layer, ((8, 2, 3, 5),))) == text


def test_settings_hold_the_usual_ones_too_and_no_parameters():
    assert settings(conv(bias=WEIGHT), ((8, 2, 3, 5), (8,))) == {
        "kernel": (3, 5),
        "stride": (1, 1),
        "padding": ((0, 0), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
    }
