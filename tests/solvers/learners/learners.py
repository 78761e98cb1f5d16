"""Every kind of learner, ready to play a sequence of made-up solves with a relaxation parameter.

A new learner gets a line in `CASES`, and every test of ``test_properties.py`` with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin.solvers.learners import (
    ChebCB,
    Choice,
    ContextBinned,
    GoldenSection,
    Learner,
    Outcome,
    Play,
    QuadraticSurrogate,
    RestartOnDrift,
    ThompsonSampling,
    TsallisINF,
)
from structlin.solvers.learners.spectral import SpectralLearner

OMEGAS = [1.0, 1.2, 1.4, 1.6, 1.8]
RANGE = (1.0, 1.8)
CONTEXTS = (-1.0, 3.0)


@dataclass(frozen=True)
class Case:
    """A kind of learner.

    ``make(**options)`` takes ``rng``, and ``discount`` where the kind has one.
    """

    name: str
    make: Callable[..., Learner]
    contextual: bool = False
    discounted: bool = True

    def __str__(self) -> str:
        return self.name


def _options(**given: Any) -> Callable[..., Learner]:
    """Return a `Choice` of two solvers, with another search for each knob."""
    options = {"a": GoldenSection(RANGE), "b": QuadraticSurrogate(RANGE), "c": None}
    return Choice(options, **given)


CASES = [
    Case("TsallisINF", lambda **o: TsallisINF(OMEGAS, **o)),
    Case(
        "TsallisINF-importance-weighted",
        lambda **o: TsallisINF(OMEGAS, estimator="importance-weighted", **o),
    ),
    Case("ContextBinned", lambda **o: ContextBinned(OMEGAS, CONTEXTS, bins=3, **o), True),
    Case("ChebCB", lambda **o: ChebCB(OMEGAS, CONTEXTS, degree=3, **o), True),
    Case("ThompsonSampling", lambda **o: ThompsonSampling(OMEGAS, **o)),
    Case("ThompsonSampling-contexts", lambda **o: ThompsonSampling(OMEGAS, CONTEXTS, **o), True),
    Case("RestartOnDrift", lambda **o: RestartOnDrift(TsallisINF(OMEGAS), **o), False, False),
    Case(
        "RestartOnDrift-contexts",
        lambda **o: RestartOnDrift(ChebCB(OMEGAS, CONTEXTS, degree=3), **o),
        True,
        False,
    ),
    Case("GoldenSection", lambda **o: GoldenSection(RANGE, **o), False, False),
    Case("QuadraticSurrogate", lambda **o: QuadraticSurrogate(RANGE, **o)),
    Case(
        "QuadraticSurrogate-contexts",
        lambda **o: QuadraticSurrogate({"omega": RANGE}, contexts=CONTEXTS, **o),
        True,
    ),
    Case("SpectralLearner", lambda **o: SpectralLearner(low=1.0, high=1.9, **o)),
    Case(
        "SpectralLearner-contexts",
        lambda **o: SpectralLearner(low=1.0, high=1.9, contexts=CONTEXTS, **o),
        True,
    ),
    Case("Choice", _options, False, False),
]
CONTEXTUAL = [case for case in CASES if case.contextual]
DISCOUNTED = [case for case in CASES if case.discounted]


def omega_of(play: Play) -> float:
    """Return the parameter of a play, be it a number or one of several knobs."""
    value = play.value
    return float(value.get("omega", 1.0) if isinstance(value, Mapping) else value)


def outcome(play: Play, beta: float = 0.9, unit: float = 1.0) -> Outcome:
    """Return what SOR costs by Young's relation, whose optimum moves with the context.

    ``ω* = 2/(1 + √(1 − β²))``: 1.39 for ``β = 0.9``, 1.6 for 0.968.
    """
    if play.context:
        beta += 0.02 * play.context[0]  # 0.88 to 0.96
    omega = omega_of(play)
    under = omega**2 * beta**2 - 4 * (omega - 1)
    rate = (omega * beta + math.sqrt(under)) ** 2 / 4 if under > 0 else omega - 1
    rate = max(rate, 0.02)
    loss = 1 + math.log(1e-8) / math.log(rate)
    return Outcome(unit * loss, rate=rate, reduction=None)


def best_loss(context: tuple[float, ...], beta: float = 0.9) -> float:
    """Return the least loss of the five parameters."""
    return min(outcome(Play(omega, context=context), beta).loss for omega in OMEGAS)


def contexts(case: Case, rounds: int, seed: int = 5) -> Iterator[float | None]:
    """Yield as many contexts, or as many times None."""
    for value in np.random.default_rng(seed).uniform(*CONTEXTS, rounds).tolist():
        yield value if case.contextual else None


def play(
    learner: Learner, case: Case, rounds: int, seed: int = 5, **problem: float
) -> list[tuple[float, float]]:
    """Play so many rounds; return the parameters, and the losses over the least possible."""
    unit = problem.get("unit", 1.0)
    beta = problem.get("beta", 0.9)
    record = []
    for context in contexts(case, rounds, seed):
        chosen = learner.ask(context)
        seen = outcome(chosen, **problem)
        learner.tell(chosen, seen)
        record.append((omega_of(chosen), seen.loss / unit / best_loss(chosen.context, beta)))
    return record


def saved(learner: Learner) -> dict[str, Any]:
    """Return the state of a learner, through JSON."""
    state: dict[str, Any] = json.loads(json.dumps(learner.state_dict()))
    return state


def leaves(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the path and value of every number and word of a state."""
    if isinstance(state, Mapping):
        for name, part in state.items():
            yield from leaves(part, (*path, name))
    elif isinstance(state, list):
        for k, part in enumerate(state):
            yield from leaves(part, (*path, k))
    else:
        yield path, state


def replaced(state: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a state with another value at a path."""
    if not path:
        return value
    head, *rest = path
    copy = dict(state) if isinstance(state, Mapping) else list(state)
    copy[head] = replaced(copy[head], tuple(rest), value)
    return copy
