"""A record of costs that stays short, however long the sequence."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_capacity = 2048  # entries; half of them stay when it is reached


class History:
    """Cumulative costs and chosen values of a sequence of solves, thinned as it grows.

    Every solve is recorded at first, every second one once 2048 are there, and so on.

    Attributes
    ----------
    solves : int
        Solves so far.
    total : float
        Their cost.
    """

    def __init__(self) -> None:
        self.solves = 0
        self.total = 0.0
        self._stride = 1
        self._rows: list[tuple[int, float, float, str]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, loss: float, value: float, choice: str) -> None:
        """Record a solve: its cost, the number that was chosen (NaN if none), and the solver."""
        self.solves += 1
        self.total += loss
        if self.solves % self._stride == 0:
            self._rows.append((self.solves, self.total, value, choice))
            if len(self._rows) == _capacity:
                self._stride *= 2
                self._rows = self._rows[1::2]

    @property
    def rounds(self) -> NDArray[np.int64]:
        """Numbers of the recorded solves, counted from 1."""
        return np.array([row[0] for row in self._rows], dtype=np.int64)

    @property
    def losses(self) -> NDArray[np.float64]:
        """What all solves up to the recorded ones cost together."""
        return np.array([row[1] for row in self._rows], dtype=np.float64)

    @property
    def values(self) -> NDArray[np.float64]:
        """Values of the knob in the recorded solves; NaN where none was chosen."""
        return np.array([row[2] for row in self._rows], dtype=np.float64)

    @property
    def solvers(self) -> list[str]:
        """Names of the solvers of the recorded solves."""
        return [row[3] for row in self._rows]

    def state_dict(self) -> dict[str, Any]:
        """Return the record, ready for JSON."""
        rows = [
            [k, total, None if value != value else value, name]
            for k, total, value, name in self._rows
        ]
        return {"solves": self.solves, "total": self.total, "stride": self._stride, "rows": rows}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the record that `state_dict` described."""
        history = cls()
        history.solves, history.total = operator.index(state["solves"]), float(state["total"])
        history._stride = operator.index(state["stride"])
        history._rows = [
            (int(k), float(total), float("nan") if value is None else float(value), str(name))
            for k, total, value, name in state["rows"]
        ]
        places = [row[0] for row in history._rows]
        totals = [0.0, *(row[1] for row in history._rows), history.total]
        if not (
            0 <= history.total < math.inf
            and 0 <= len(places) < _capacity
            and history._stride >= 1
            and places == sorted(set(places))
            and all(0 < place <= history.solves for place in places)
            and all(one <= other for one, other in itertools.pairwise(totals))
        ):
            raise ValueError("the history is out of order")
        return history
