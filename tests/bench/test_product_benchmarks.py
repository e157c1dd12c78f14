"""The benchmarks of many networks run, and both sides compute the same."""

import torch
from torch import nn

from bench import training
from bench.batch import draw_crowd, fastest, random_metanetwork
from models.metanetworks.product_edge_list import ProductEdgeList


def test_both_forms_of_a_crowd_are_the_same_networks():
    crowd, metanetwork = draw_crowd(4, 2), random_metanetwork()
    assert [each.networks for each in crowd.stacked] == [2, 2]
    with torch.inference_mode():
        blocks, edges = metanetwork(crowd.stacked), ProductEdgeList(metanetwork)(crowd.collated)
        torch.testing.assert_close(blocks, edges, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(blocks.flip(0), edges, rtol=1e-4, atol=1e-5)


def test_a_step_trains():
    crowd, metanetwork = draw_crowd(2, 1), random_metanetwork()
    before = nn.utils.parameters_to_vector(metanetwork.parameters()).detach().clone()
    seconds, _ = fastest(training.stepper(metanetwork, lambda: metanetwork(crowd.stacked)), 1)
    assert seconds >= 0
    assert not torch.equal(before, nn.utils.parameters_to_vector(metanetwork.parameters()))
