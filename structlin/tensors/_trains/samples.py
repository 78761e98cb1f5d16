"""Entries of a tensor that is known by a function of its indices: counted, checked, remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import first_nonfinite, inexact

# places that go to the function at a time
_block = 2**18
# places with large entries or large errors that are kept
_hot = 16
# random places from which large entries are looked for, and times to go through all axes
_starts, _climbs = 3, 2


class Samples:
    """Entries of a tensor.

    Parameters
    ----------
    entries : callable
        Takes (N, d) integers and returns (N,) values.
    shape : sequence of int
        Sizes of the tensor.
    rng : numpy.random.Generator
        Makes random places.

    Attributes
    ----------
    count : int
        How many entries were taken.
    scale : float
        The largest absolute value that was seen.
    dtype : data type
        That of the entries, once some were taken.
    hot : (m, d) array of int
        Places worth a visit: of large entries and large errors, the newest last.
    """

    def __init__(
        self, entries: Callable[[Any], Any], shape: Sequence[int], rng: np.random.Generator
    ) -> None:
        self.entries, self.shape, self.rng = entries, tuple(shape), rng
        self.count, self.scale = 0, 0.0
        self.dtype: Any = None
        self.hot = np.zeros((0, len(self.shape)), dtype=np.int64)

    def __call__(self, places: Any) -> Any:
        """Return the entries at (N, d) places."""
        starts = range(0, len(places), _block)
        parts = [self._block(places[start : start + _block]) for start in starts]
        return parts[0] if len(parts) == 1 else namespace(*parts).concat(parts)

    def _block(self, places: Any) -> Any:
        values = self.entries(places)
        xp = namespace(values)
        if tuple(values.shape) != (len(places),):
            raise ValueError(
                f"entries returned an array of shape {tuple(values.shape)} for {len(places)} "
                f"places, indices of shape {places.shape}: one value is needed for every row"
            )
        values = inexact(values, xp)
        bad = first_nonfinite(values)
        if bad is not None:
            raise ValueError(
                f"entries returned NaN or Inf at index {tuple(places[bad].tolist())}: every entry "
                "must be finite"
            )
        self.count += len(places)
        self.dtype = values.dtype
        self.scale = max(self.scale, float(xp.max(xp.abs(values))))
        return values

    def remember(self, place: Any) -> None:
        """Add a place to those worth a visit."""
        self.hot = np.concatenate([self.hot, np.asarray(place, dtype=np.int64)[None, :]])[-_hot:]

    def random_places(self, count: int) -> Any:
        """Return random places: half of them share about half of their indices with hot ones."""
        places = self.rng.integers(0, self.shape, (count, len(self.shape)))
        if len(self.hot):
            near = self.hot[self.rng.integers(0, len(self.hot), count // 2)]
            kept = self.rng.random(near.shape) < 0.5
            places[: count // 2] = np.where(kept, near, places[: count // 2])
        return places

    def climb(self) -> Any:
        """Go from random places to large entries, axis by axis; return one value.

        Functions with a narrow peak are next to nothing at random places.
        """
        d = len(self.shape)
        places = self.rng.integers(0, self.shape, (_starts, d))
        for _ in range(_climbs):
            for axis, n in enumerate(self.shape):
                line = np.repeat(places, n, axis=0)
                line[:, axis] = np.tile(np.arange(n), _starts)
                values = self(line)
                xp = namespace(values)
                best = xp.argmax(xp.reshape(xp.abs(values), (_starts, n)), axis=1)
                places[:, axis] = [int(best[k]) for k in range(_starts)]
        for place in places:
            self.remember(place)
        return values[:1]
