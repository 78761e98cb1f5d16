"""What was learned, by what the systems have in common."""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from structlin.solvers.learners._generators import restored_generator, saved_generator
from structlin.solvers.learners._learner import Learner, Outcome, Play, alike, started
from structlin.solvers.learning._keys import Key
from structlin.solvers.learning.report import Record, Row


class Experience:
    """A learner and a record for every key that came up.

    Parameters
    ----------
    prototype : Learner
        What learners of new keys are like.
    timed : bool
        Whether costs are seconds, of which one machine's say nothing about another's.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness of the learners; by default that of the prototype.

    Attributes
    ----------
    learners : dict of Key to Learner
        The learners.
    """

    def __init__(self, prototype: Learner, *, timed: bool, rng: Any) -> None:
        self.prototype = prototype
        self.learners: dict[Key, Learner] = {}
        self._records: dict[Key, Record] = {}
        self._timed = timed
        self._rng = copy.deepcopy(prototype._rng) if rng is None else np.random.default_rng(rng)
        self._lock = threading.RLock()

    def learner(self, key: Key) -> Learner:
        """Return the key's learner; a new one knows what that of the nearest key knows."""
        with self._lock:
            learner = self.learners.get(key)
            if learner is None:
                learner = self.learners[key] = self._new(key)
                self._records[key] = Record()
            return learner

    def _new(self, key: Key) -> Learner:
        near = [
            (distance, other)
            for other in self.learners
            if (distance := key.nearness(other)) and self._passes_on(key, other)
        ]
        if not near:
            return started(self.prototype, self._rng)
        nearest = min(near, key=operator.itemgetter(0))[1]
        learner = self.learners[nearest].copy()
        if key.decade != nearest.decade:
            learner.rescale(key.cost_ratio(nearest))
        return learner

    def _passes_on(self, key: Key, other: Key) -> bool:
        """Tell whether costs at one key say something about those at another."""
        moved = (key.dtype, key.device) != (other.dtype, other.device)
        return self.learners[other].rounds > 0 and not (moved and self._timed)

    def learn(self, key: Key, play: Play, outcome: Outcome) -> None:
        """Tell a learner what its play cost."""
        self.learner(key).tell(play, outcome)
        with self._lock:
            self._records[key].add(play, float(outcome.loss), outcome.censored)

    def count(self, key: Key, iterations: int, backstops: int) -> None:
        """Count iterations and answers of the backstop."""
        with self._lock:
            self._records[key].iterations += iterations
            self._records[key].backstops += backstops

    def rows(self) -> tuple[Row, ...]:
        """Return what was learned, as the rows of a report."""
        with self._lock:
            return tuple(
                record.row(key, self.learners[key])
                for key, record in self._records.items()
                if record.solves
            )

    def merge(self, other: Experience) -> None:
        """Add what was learned elsewhere; if learners do not fit, nothing has changed."""
        theirs = copy.deepcopy(other)
        with self._lock:
            merged = theirs.learners
            for key, learner in self.learners.items():
                if key in merged:
                    taken, merged[key] = merged[key], learner.copy()
                    merged[key].merge(taken)
            self.learners |= merged
            for key, record in theirs._records.items():
                self._records.setdefault(key, Record()).merge(record)

    def state_dict(self) -> dict[str, Any]:
        """Return everything known, ready for JSON."""
        with self._lock:
            return {
                "prototype": self.prototype.state_dict(),
                "generator": saved_generator(self._rng),
                "kinds": [
                    {
                        "key": key.state_dict(),
                        "learner": learner.state_dict(),
                        "record": self._records[key].state_dict(),
                    }
                    for key, learner in self.learners.items()
                ],
            }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._rng = restored_generator(state["generator"])
        for kind in state["kinds"]:
            key = Key.from_state_dict(kind["key"])
            if key in self.learners:
                raise ValueError(f"{key} comes twice")
            learner = Learner.from_state_dict(kind["learner"])
            if not alike(learner, self.prototype):
                raise ValueError(f"{learner!r} has other settings than {self.prototype!r}")
            record = Record.from_state_dict(kind["record"])
            components = 0 if learner.contexts is None else len(learner.contexts.bounds)
            if record.solves and len(record.least) != components:
                raise ValueError(f"contexts of {len(record.least)} components, not {components}")
            self.learners[key], self._records[key] = learner, record

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:  # copies, because other threads may go on learning
            state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
            state["learners"] = {key: learner.copy() for key, learner in self.learners.items()}
            state["_records"] = copy.deepcopy(self._records)
            return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
