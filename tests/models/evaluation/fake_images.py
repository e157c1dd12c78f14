"""Pictures in CIFAR-10's layout that were drawn at random, with labels that nothing in them tells."""

import torch

from models.zoo.images import Images


def noise(count: int = 400, tests: int = 100) -> Images:
    """Of different darkness, so that they may be told apart by it."""
    generator = torch.Generator().manual_seed(0)
    bright = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    pixels = bright // torch.randint(1, 9, (count, 3, 1, 1), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (count,), generator=generator)
    return Images(
        train_pixels=pixels, train_labels=labels, test_pixels=pixels[:tests].clone(), test_labels=labels[:tests].clone()
    )
