"""Points of a box, where functions are looked at and tested."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.bases import Basis


class Box:
    """The box of some bases, and random points of it, all on the host.

    Attributes
    ----------
    low, high, width : (d,) arrays
        Its ends and sides.
    """

    def __init__(self, bases: Sequence[Basis], rng: np.random.Generator) -> None:
        self.low = np.asarray([basis.low for basis in bases])
        self.high = np.asarray([basis.high for basis in bases])
        self.width = self.high - self.low
        self.rng = rng

    def corners(self, most: int) -> Any:
        """Return all corners, or as many random ones if there are more."""
        d = len(self.low)
        if 2**d <= most:
            ends = np.asarray(list(itertools.product((0, 1), repeat=d)))
        else:
            ends = self.rng.integers(0, 2, (most, d))
        return np.where(ends == 1, self.high, self.low)

    def seeds(self) -> Any:
        """Return the first points to look at: corners, and the centre."""
        return np.concatenate([self.corners(16), (self.low + self.width / 2)[None, :]])

    def points(self, count: int, peak: Any = None) -> Any:
        """Return random points of four kinds.

        They are uniform, denser towards the faces, very close to corners, and around a peak at
        distances of all sizes.
        """
        t = self.rng.random((count, len(self.low)))
        kind = self.rng.permutation(np.arange(count) % 4)
        t[kind == 1] = np.sin(math.pi / 2 * t[kind == 1]) ** 2
        near = 10.0 ** (-6 * np.abs(2 * t - 1)) / 2
        t[kind == 2] = np.where(t < 0.5, near, 1 - near)[kind == 2]
        points = self.low + self.width * t
        if peak is not None:
            reach = 10.0 ** (-3 * self.rng.random((count, 1)))
            points[kind == 3] = (peak + reach * self.width * (t - 0.5))[kind == 3]
        return np.clip(points, self.low, self.high)

    def tests(self, count: int, peak: Any = None) -> Any:
        """Return random points and corners."""
        return np.concatenate([self.points(count, peak), self.corners(64)])

    def around(self, center: Any, size: float, count: int) -> Any:
        """Return random points of a box around a point, of a size relative to this box."""
        steps = size * self.width * (self.rng.random((count, len(self.low))) - 0.5)
        return np.clip(center + steps, self.low, self.high)
