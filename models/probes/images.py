"""Synthetic images that networks for 3x32x32 colour images are asked about: no picture of anything is among them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

KINDS = ("shapes", "noise", "leaves", "fields", "learned")
"""What a probe image may be. `learned` ones come from training; all others are drawn here."""
DRAWN = KINDS[:4]
LEARNED = KINDS.index("learned")
SIDE = 32
SHIFT = 3
"""Pixels by which the shifted view is moved; zoo networks are trained on shifts of up to four, or none."""
_DISKS = 96
_SMALLEST, _LARGEST = 1.5, 16.0
"""Radii of dead leaves, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSet:
    """Images and what kind each is: its number in KINDS. Views are made of those that are drawn, not learned."""

    images: UInt8[np.ndarray, "images 3 32 32"]
    kind_of: Int[np.ndarray, " images"]

    def tensors(self) -> dict[str, np.ndarray]:
        """Everything there is to save; `from_tensors` takes it back."""
        return {"images": self.images, "kind_of": self.kind_of.astype(np.int64)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray]) -> "ProbeSet":
        """The set that `tensors` was called on."""
        return cls(images=tensors["images"], kind_of=tensors["kind_of"])

    def joined(self, other: "ProbeSet") -> "ProbeSet":
        """The images of both."""
        return ProbeSet(
            images=np.concatenate([self.images, other.images]), kind_of=np.concatenate([self.kind_of, other.kind_of])
        )

    def of(self, kind: int) -> Int[np.ndarray, " found"]:
        """Where the images of a kind are."""
        return np.flatnonzero(self.kind_of == kind)


def draw_probes(count: int, seed: int = 0) -> ProbeSet:
    """`count` images of each kind that can be drawn; those of a smaller count are not the first ones of a larger."""
    painters = (_shapes, _noise, _leaves, _fields)
    drawn = [paint(count, np.random.default_rng([seed, number])) for number, paint in enumerate(painters)]
    pixels = np.concatenate(drawn).clip(0, 255)
    return ProbeSet(images=np.rint(pixels).astype(np.uint8), kind_of=np.repeat(np.arange(len(painters)), count))


def views(images: UInt8[np.ndarray, "images 3 32 32"]) -> dict[str, UInt8[np.ndarray, "images 3 32 32"]]:
    """The images mirrored left to right, and moved down and right with their border repeated."""
    padded = np.pad(images, ((0, 0), (0, 0), (SHIFT, 0), (SHIFT, 0)), mode="edge")
    return {"flip": images[..., ::-1].copy(), "shift": padded[..., :SIDE, :SIDE].copy()}


VIEWS = ("flip", "shift")


def _shapes(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3 32 32"]:
    """Up to four soft blobs with wavy borders and linear shading on a linear background."""
    image = _gradient(_colours(count, rng), _colours(count, rng), rng)
    rows, columns = _grid()
    for number in range(4):
        middle, radius = rng.uniform(4, SIDE - 4, (count, 2, 1, 1)), rng.uniform(3, 12, (count, 2, 1, 1))
        turn, softness = rng.uniform(0, np.pi, (count, 1, 1)), rng.uniform(0.3, 2.5, (count, 1, 1))
        down, right = rows - middle[:, 0], columns - middle[:, 1]
        along = (np.cos(turn) * down + np.sin(turn) * right) / radius[:, 0]
        across = (np.cos(turn) * right - np.sin(turn) * down) / radius[:, 1]
        waves, depth = rng.integers(2, 6, (count, 1, 1)), rng.uniform(0, 0.3, (count, 1, 1))
        border = 1 + depth * np.cos(waves * np.arctan2(across, along) + turn)
        outside = (np.hypot(along, across) - border) * np.sqrt(radius[:, 0] * radius[:, 1])
        cover = 1 / (1 + np.exp((outside / softness).clip(-30, 30)))
        cover = cover * (rng.random((count, 1, 1)) < (1.0, 0.8, 0.6, 0.4)[number])
        paint = _gradient(_colours(count, rng), _colours(count, rng), rng)
        image = image + cover[:, None] * (paint - image)
    return image


def _noise(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3 32 32"]:
    """Fields whose amplitude falls as 1 / frequency^a, a from 0.5 to 2, in correlated colours (Field 1987)."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = np.inf
    exponent = rng.uniform(0.5, 2.0, (count, 1, 1, 1))
    spectrum = np.fft.rfft2(rng.standard_normal((count, 4, SIDE, SIDE))) / frequency**exponent
    field = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    field = field / field.std(axis=(2, 3), keepdims=True)
    shared = rng.uniform(0.5, 1.0, (count, 1, 1, 1))
    field = shared * field[:, 3:] + np.sqrt(1 - shared**2) * field[:, :3]
    return rng.uniform(70, 185, (count, 3, 1, 1)) + rng.uniform(15, 70, (count, 1, 1, 1)) * field


def _leaves(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3 32 32"]:
    """Disks that hide each other, their radii distributed as radius^-3 (Lee, Mumford & Huang 2001)."""
    rows, columns = (each.astype(np.float32) for each in _grid())
    share = rng.random((count, _DISKS, 1, 1), np.float32)
    radius = (_SMALLEST**-2 + share * (_LARGEST**-2 - _SMALLEST**-2)) ** -0.5
    middle = rng.uniform(-4, SIDE + 4, (2, count, _DISKS, 1, 1)).astype(np.float32)
    covers = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < radius**2
    covers[:, -1] = True  # what no leaf covers is ground
    front = covers.argmax(axis=1).reshape(count, -1)
    contrast, ground = rng.uniform(10, 60, (count, 1, 1)), rng.uniform(70, 185, (count, 1, 3))
    brightness, hue = rng.standard_normal((count, _DISKS, 1)), rng.standard_normal((count, _DISKS, 3))
    palette = ground + contrast * (brightness + 0.5 * hue)
    painted = np.take_along_axis(palette, front[:, :, None], axis=1)
    return painted.transpose(0, 2, 1).reshape(count, 3, SIDE, SIDE)


def _fields(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3 32 32"]:
    """One colour, or a gradient between two: every other image."""
    first = _colours(count, rng)
    second = np.where(np.arange(count)[:, None] % 2, _colours(count, rng), first)
    return _gradient(first, second, rng)


def _gradient(
    first: Float[np.ndarray, "count 3"], second: Float[np.ndarray, "count 3"], rng: np.random.Generator
) -> Float[np.ndarray, "count 3 32 32"]:
    """From one colour to another, in a random direction."""
    rows, columns = _grid()
    angle = rng.uniform(0, 2 * np.pi, (len(first), 1, 1))
    along = np.cos(angle) * (rows / SIDE - 0.5) + np.sin(angle) * (columns / SIDE - 0.5)
    share = (0.5 + along).clip(0, 1)[:, None]
    return first[:, :, None, None] * (1 - share) + second[:, :, None, None] * share


def _colours(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3"]:
    """Bright, dark and mixed ones; the channels of a colour are more alike than those of three."""
    return rng.uniform(20, 235, (count, 1)) + rng.normal(0, 35, (count, 3))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    places = np.arange(SIDE) + 0.5
    return places[:, None], places[None, :]
