"""Networks of other architectures, trained for a moment and sent through a file, as a user would send them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from metagauge.declare.save import save
from models.evaluation.domain_cases import GOOD, Case, HeldOut
from models.evaluation.domain_files import read_subject
from models.evaluation.domain_modules import CONTROL, MODULES
from models.zoo.families import CLASSES, IMAGE
from models.zoo.images import Images, normalise

STEPS, IMAGES_PER_STEP, RATE = 200, 64, 3e-3
"""AdamW, one cycle: enough for a small CNN to get about 40 % right."""
WIDTHS = (16, 24, 32)


def strange_cases(images: Images, measured: HeldOut, count: int, seed: int) -> Iterator[Case]:
    """`count` networks of each kind in `MODULES`, in turn of each of the widths."""
    for arm, make in tqdm(MODULES.items(), desc="training other architectures", unit="kind"):
        for number in range(count):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(1000 * seed + number)
                module = trained(make(WIDTHS[number % len(WIDTHS)]), images)
            yield case_of(arm, module, measured)


def trained(module: nn.Module, images: Images, steps: int = STEPS) -> nn.Module:
    """The module after a few steps, in evaluation mode.

    With one output for each class it learns classes; with ten for each it also tells light images of a class from dark
    ones; with an image as output, the image.
    """
    optimizer = torch.optim.AdamW(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    module.train()
    for _ in range(steps):
        chosen = torch.randint(len(images.train_labels), (IMAGES_PER_STEP,))
        pixels, labels = normalise(images.train_pixels[chosen]), images.train_labels[chosen]
        optimizer.zero_grad()
        _loss(module(pixels), pixels, labels).backward()
        optimizer.step()
        schedule.step()
    return module.eval()


def case_of(arm: str, module: nn.Module, measured: HeldOut) -> Case:
    """The module as it comes out of a file, and what it gets right of CIFAR-10 if it has one output for each class."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save(module, IMAGE, path)
        subject = read_subject(path)
    accuracy = _accuracy(module, measured)
    return Case(
        kind="control" if arm == CONTROL else "other architecture",
        arm=arm,
        subject=subject,
        test_accuracy=accuracy,
        was_good=accuracy is None or accuracy >= GOOD,
    )


def _loss(outputs: Tensor, pixels: Tensor, labels: Tensor) -> Tensor:
    if outputs.dim() == pixels.dim():
        return functional.mse_loss(outputs, pixels)
    if outputs.shape[1] > CLASSES:
        finer = outputs.shape[1] // CLASSES
        light = (finer * torch.sigmoid(pixels.mean((1, 2, 3)))).long().clamp_max(finer - 1)
        return functional.cross_entropy(outputs, finer * labels + light)
    return functional.cross_entropy(outputs, labels)


@torch.inference_mode()
def _accuracy(module: nn.Module, measured: HeldOut) -> float | None:
    outputs = module(normalise(measured.pixels))
    if outputs.shape[1:] != (CLASSES,):
        return None
    return float((outputs.argmax(1) == measured.labels).float().mean())
