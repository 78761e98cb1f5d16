"""What a layer has learned, as a table."""

from __future__ import annotations

import collections
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from structlin.solvers.learners._learner import Learner, Play
from structlin.solvers.learning._keys import Key

_window = 50  # solves over which costs are averaged
_legend = (
    "failed: answered by the backstop; clipped: context outside the range; now chosen: at the "
    "least, the middle and the largest context seen"
)
_counted = ("solves", "iterations", "censored", "backstops", "clipped")


@dataclass(frozen=True)
class Row:
    """What was learned about the systems of one key.

    Attributes
    ----------
    key : Key
        What the systems have in common.
    learner : str
        Kind of learner.
    solves : int
        Solves that were learned from.
    iterations : int
        Their iterations, those of failed attempts and of the backstop included.
    first, last : float
        Mean cost of the first and of the last 50 solves. They differ by what was learned, and
        also where the systems drift, or are harder at one end of the sequence.
    censored : int
        Solves of which only a lower bound of the cost is known.
    backstops : int
        Solves that the backstop answered.
    clipped : int
        Solves whose context was outside the learner's range.
    contexts : tuple of (tuple of float)
        Contexts at which the choice is shown: the least seen, the middle and the largest.
    choices : tuple of object
        What the learner thinks best there.
    """

    key: Key
    learner: str
    solves: int
    iterations: int
    first: float
    last: float
    censored: int
    backstops: int
    clipped: int
    contexts: tuple[tuple[float, ...], ...]
    choices: tuple[Any, ...]


@dataclass(frozen=True)
class Report:
    """What a `RelaxationLayer` has learned; it prints as a table.

    Attributes
    ----------
    rows : tuple of Row
        One for each key, in the order in which they came up.
    loss : str
        What is learned to be low.
    """

    rows: tuple[Row, ...]
    loss: str

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        head = ("systems", "solves", "first 50", "last 50", "failed", "clipped", "now chosen")
        lines = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
        table = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        table.insert(1, "-" * max(map(len, table)))
        legend = [_legend] if self.rows else []
        return "\n".join([f"mean {self.loss} per solve", *table, *legend])


def _aligned(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.ljust(width) if k in (0, len(cells) - 1) else cell.rjust(width)
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]


def _cells(row: Row) -> tuple[str, ...]:
    key = row.key
    parts = [] if key.group is None else [str(key.group)]
    parts += [key.solver, *(str(value) for _, value in key.options), key.matrix]
    parts += [f"1e-{key.decade}", key.dtype, "warm" if key.warm else "cold"]
    if key.size is not None:
        parts.append(f"n ≈ {2**key.size}")
    chosen = " to ".join(dict.fromkeys(_shown(choice) for choice in row.choices))
    return (
        ", ".join(parts),
        str(row.solves),
        f"{row.first:.4g}",
        f"{row.last:.4g}",
        str(row.backstops),
        str(row.clipped),
        chosen,
    )


def _shown(choice: Any) -> str:
    if isinstance(choice, Mapping):
        return " ".join(f"{name}={_shown(value)}" for name, value in choice.items())
    return f"{choice:.4g}" if isinstance(choice, float) else str(choice)


@dataclass
class Record:
    """Running counts of the solves of one key; its size does not grow."""

    solves: int = 0
    iterations: int = 0
    censored: int = 0
    backstops: int = 0
    clipped: int = 0
    early: float = 0.0
    recent: collections.deque[float] = field(
        default_factory=lambda: collections.deque(maxlen=_window)
    )
    least: tuple[float, ...] = ()
    most: tuple[float, ...] = ()

    def add(self, play: Play, loss: float, censored: bool) -> None:
        """Count a solve."""
        self.solves += 1
        self.censored += censored
        self.clipped += play.clipped
        if self.solves <= _window:
            self.early += loss
        self.recent.append(loss)
        self.least = tuple(map(min, self.least, play.context)) if self.least else play.context
        self.most = tuple(map(max, self.most, play.context)) if self.most else play.context

    def merge(self, other: Record) -> None:
        """Add the counts of another record; its recent solves count as the more recent ones."""
        counted = min(self.solves, _window) + min(other.solves, _window)
        if counted > _window:
            self.early = _window / counted * (self.early + other.early)
        else:
            self.early += other.early
        self.recent.extend(other.recent)
        for name in _counted:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.least:
            self.least = tuple(map(min, self.least or other.least, other.least))
            self.most = tuple(map(max, self.most or other.most, other.most))

    def row(self, key: Key, learner: Learner) -> Row:
        """Return the record as a row of the report."""
        contexts: tuple[tuple[float, ...], ...] = (self.least,)
        if self.most != self.least:
            middle = tuple((a + b) / 2 for a, b in zip(self.least, self.most, strict=True))
            contexts = (self.least, middle, self.most)
        counted = min(self.solves, _window)
        return Row(
            key,
            type(learner).__name__,
            self.solves,
            self.iterations,
            self.early / counted if counted else math.nan,
            sum(self.recent) / len(self.recent) if self.recent else math.nan,
            self.censored,
            self.backstops,
            self.clipped,
            contexts,
            tuple(learner.best(context or None) for context in contexts),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the record, ready for JSON."""
        return {
            **self.__dict__,
            "recent": list(self.recent),
            "least": list(self.least),
            "most": list(self.most),
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Return the record that `state_dict` described."""
        record = cls(**state)
        missing = record.__dict__.keys() - state.keys()
        if missing:
            raise ValueError(f"a record has no entry {min(missing)!r}")
        record.recent = collections.deque(map(float, state["recent"]), maxlen=_window)
        record.least, record.most = (tuple(map(float, state[end])) for end in ("least", "most"))
        counts = [getattr(record, name) for name in _counted]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("something counted is negative, or no whole number")
        if max(record.censored, record.clipped) > record.solves:
            raise ValueError(f"more is counted than {record.solves} solves")
        numbers = (record.early, *record.recent, *record.least, *record.most)
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("a mean cost or a context is not finite")
        if min(record.early, *record.recent, 0.0) < 0:
            raise ValueError("a cost is negative")
        if len(record.recent) != min(record.solves, _window):
            raise ValueError(f"{len(record.recent)} recent costs of {record.solves} solves")
        if not (
            len(record.least) == len(record.most)
            and all(low <= high for low, high in zip(record.least, record.most, strict=True))
        ):
            raise ValueError("the least context exceeds the largest")
        return record
