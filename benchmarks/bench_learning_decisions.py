"""What a decision of a learner and its update cost, early and late, beside MABWiser's learners.

The loss of each of 20 parameters is a parabola that moves with the context. Learners have had
1000 or 100 000 rounds before they are timed, and go on learning while they are. "compiled" are
the kernels of a learner: in a compiled loop with random numbers of its own, or, those of
`SpectralLearner` and `QuadraticSurrogate`, called from Python with the arguments of one round.
"""

import importlib.util
import itertools
import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
from numba import njit

from structlin._kernels import arm_regressions, tsallis
from structlin.solvers.learners import (
    ChebCB,
    ContextBinned,
    GoldenSection,
    Learner,
    Outcome,
    Play,
    QuadraticSurrogate,
    RestartOnDrift,
    ThompsonSampling,
    TsallisINF,
    quadratic_surrogate,
    spectral,
)
from structlin.solvers.learners._arms import compiled
from structlin.solvers.learners.spectral import SpectralLearner

OMEGAS = np.linspace(1, 1.95, 20).tolist()
RANGE = (1.0, 1.95)
CONTEXTS = (-1.0, 1.0)
DEGREE = 5
BLOCK = 1000  # rounds of a compiled loop
LATE = 100_000

Rounds = Callable[[], Any]

PLAIN = {
    "TsallisINF": lambda: TsallisINF(OMEGAS, rng=0),
    "ThompsonSampling": lambda: ThompsonSampling(OMEGAS, rng=0),
    "RestartOnDrift(TsallisINF)": lambda: RestartOnDrift(TsallisINF(OMEGAS), rng=0),
    "GoldenSection": lambda: GoldenSection(RANGE, rng=0),
    "QuadraticSurrogate": lambda: QuadraticSurrogate(RANGE, rng=0),
    "SpectralLearner": lambda: SpectralLearner(rng=0),
}
CONTEXTUAL = {
    "ContextBinned": lambda: ContextBinned(OMEGAS, CONTEXTS, rng=0),
    "ChebCB": lambda: ChebCB(OMEGAS, CONTEXTS, degree=DEGREE, rng=0),
    "ThompsonSampling": lambda: ThompsonSampling(OMEGAS, CONTEXTS, degree=DEGREE, rng=0),
    "QuadraticSurrogate": lambda: QuadraticSurrogate(RANGE, contexts=CONTEXTS, rng=0),
    "SpectralLearner": lambda: SpectralLearner(contexts=CONTEXTS, rng=0),
}


@njit
def cost(omega: float, context: float) -> float:
    """Return a loss between 20 and 60 or so."""
    return 20.0 + 40.0 * (omega - 1.5 - 0.3 * context) ** 2


def ours(learner: Learner, rounds: int) -> Rounds:
    """Return one round of a learner that has had many."""
    random = np.random.default_rng(1)
    seen = random.uniform(*CONTEXTS, 997).tolist() if learner.contexts else [0.0]
    k = 0

    def play() -> Play:
        nonlocal k
        k += 1
        context = seen[k % len(seen)]
        chosen = learner.ask(context)
        omega = chosen.value
        loss = 20.0 + 40.0 * (omega - 1.5 - 0.3 * context) ** 2
        learner.tell(chosen, Outcome(loss, False, 0.9, 18.0))
        return chosen

    for _ in range(rounds):
        play()
    return play


def theirs(policy: Any, contextual: bool, rounds: int) -> Rounds:
    """Return one round of MABWiser, which maximises rewards: here, minus the loss."""
    from mabwiser.mab import MAB

    random = np.random.default_rng(1)
    bandit = MAB(list(range(len(OMEGAS))), policy, seed=0)
    values = random.uniform(*CONTEXTS, rounds)
    features = np.polynomial.chebyshev.chebvander(values, DEGREE)
    arms = random.integers(len(OMEGAS), size=rounds)
    rewards = [-cost(OMEGAS[arm], value) for arm, value in zip(arms, values, strict=True)]
    if contextual:
        bandit.fit(arms.tolist(), rewards, features)
    else:
        bandit.fit(arms.tolist(), rewards)
    k = 0

    def play() -> Any:
        nonlocal k
        k = (k + 1) % rounds
        row = [features[k : k + 1]] if contextual else []
        arm = bandit.predict(*row)
        bandit.partial_fit([arm], [-cost(OMEGAS[arm], values[k])], *row)
        return arm

    return play


def peers(contextual: bool, rounds: int) -> dict[str, Rounds]:
    from mabwiser.mab import LearningPolicy

    if contextual:
        policies = {
            "LinUCB": LearningPolicy.LinUCB(alpha=1.0),
            "LinTS": LearningPolicy.LinTS(alpha=1.0),
            "LinGreedy": LearningPolicy.LinGreedy(epsilon=0.1),
        }
    else:
        policies = {
            "EpsilonGreedy": LearningPolicy.EpsilonGreedy(epsilon=0.1),
            "UCB1": LearningPolicy.UCB1(alpha=1.0),
            "Softmax": LearningPolicy.Softmax(tau=1.0),
        }
    return {
        f"MABWiser {name}": theirs(policy, contextual, rounds) for name, policy in policies.items()
    }


def compiled_tsallis(rounds: int) -> Rounds:
    draw, learn = compiled(tsallis.draw), compiled(tsallis.learn)
    omegas, rng = np.array(OMEGAS), np.random.default_rng(0)

    @njit
    def block(rng, rounds, losses, sums, p):
        for _ in range(rounds):
            arm = draw(p, 1.0 - rng.random())
            learn(losses, sums, p, arm, cost(omegas[arm], 0.0), p[arm], 4.0, True, 1.0)

    learner = TsallisINF(OMEGAS)
    tables = learner._losses[0], learner._sums[0], learner._p[0]
    block(rng, rounds, *tables)
    return lambda: block(rng, BLOCK, *tables)


def compiled_cheb(rounds: int) -> Rounds:
    draw, learn = compiled(arm_regressions.draw_by_gaps), compiled(arm_regressions.learn_in_box)
    omegas, rng = np.array(OMEGAS), np.random.default_rng(0)

    @njit
    def block(rng, rounds, place, exponents, theta, gram, moments, sums, box, alpha, p, work):
        for _ in range(rounds):
            place[0] = 2 * rng.random() - 1
            arm = draw(place, exponents, theta, sums, alpha, 1.0 - rng.random(), p, work)
            loss = cost(omegas[arm], place[0])
            learn(place, exponents, theta, gram, moments, sums, box, arm, loss, 1.0, work)

    x = ChebCB(OMEGAS, CONTEXTS, degree=DEGREE)
    tables = x._place, x._exponents, x._theta, x._gram, x._moments, x._sums, x._box
    block(rng, rounds, *tables, x._alpha, x._p, x._work)
    return lambda: block(rng, BLOCK, *tables, x._alpha, x._p, x._work)


def compiled_thompson(contexts: Any, rounds: int) -> Rounds:
    draw = compiled(arm_regressions.draw_from_posteriors)
    learn = compiled(arm_regressions.learn_posteriors)
    omegas, rng = np.array(OMEGAS), np.random.default_rng(0)

    @njit
    def block(
        rng,
        rounds,
        place,
        exponents,
        theta,
        gram,
        moments,
        squares,
        sums,
        prior,
        factor,
        variances,
        work,
    ):
        normals = np.empty(omegas.size)
        for _ in range(rounds):
            context = 0.0
            if place.size > 0:
                context = 2 * rng.random() - 1
                place[0] = context
            for i in range(normals.size):
                normals[i] = rng.standard_normal()
            arm = draw(place, exponents, theta, factor, variances, normals, work)
            loss = cost(omegas[arm], context)
            learn(
                place,
                exponents,
                theta,
                gram,
                moments,
                squares,
                sums,
                prior,
                factor,
                variances,
                arm,
                loss,
                1.0,
                work,
            )

    x = ThompsonSampling(OMEGAS, contexts, degree=DEGREE)
    tables = (
        x._place,
        x._exponents,
        x._theta,
        x._gram,
        x._moments,
        x._squares,
        x._sums,
        x._prior,
        x._factor,
        x._variances,
        x._work,
    )
    block(rng, rounds, *tables)
    return lambda: block(rng, BLOCK, *tables)


def replayed(make: Callable[[], Learner], module: Any, rounds: int) -> Rounds:
    """Return the two compiled calls of a round, with the arguments of 997 rounds by turns."""
    learner = make()
    play = ours(learner, rounds)
    calls: dict[Callable[..., Any], list[tuple[Any, ...]]] = {}

    def recorded(plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls.setdefault(plain, []).append(arguments)
            return compiled(plain)(*arguments)

        return call

    module.compiled = recorded
    try:
        for _ in range(997):
            play()
    finally:
        module.compiled = compiled
    decide, learn = map(compiled, calls)  # in the order of a round
    both = itertools.cycle(zip(*calls.values(), strict=True))

    def again() -> Any:
        situation, experience = next(both)
        decide(*situation)
        return learn(*experience)

    return again


def race(record: harness.Record, contextual: bool, rounds: int) -> dict[str, harness.Times]:
    """Return the times of a round of ours, by name."""
    make = CONTEXTUAL if contextual else PLAIN
    contestants = {name: ours(learner(), rounds) for name, learner in make.items()}
    defaults = {
        f"{name}, compiled": replayed(make[name], module, rounds)
        for name, module in (
            ("QuadraticSurrogate", quadratic_surrogate),
            ("SpectralLearner", spectral),
        )
    }
    if contextual:
        loops = {
            "ChebCB, compiled": compiled_cheb(rounds),
            "ThompsonSampling, compiled": compiled_thompson(CONTEXTS, rounds),
        }
    else:
        loops = {
            "TsallisINF, compiled": compiled_tsallis(rounds),
            "ThompsonSampling, compiled": compiled_thompson(None, rounds),
        }
    mine = contestants | loops | defaults
    others = {}
    if importlib.util.find_spec("mabwiser") is None:
        record.missing("MABWiser")
    else:
        others = peers(contextual, rounds)
    times = record.race(
        f"decision and update, {'one context' if contextual else 'no context'}, "
        f"after {rounds} rounds",
        mine | others,
        units=dict.fromkeys(loops, BLOCK),
        seconds=40.0,
    )
    return {name: times[name] for name in mine}


def main() -> int:
    """Race all learners early and late, and record the figures of ours."""
    record = harness.Record(
        "learning_decisions", "Decision and update of learners with 20 arms, beside MABWiser's"
    )
    for contextual in (False, True):
        early, late = (race(record, contextual, rounds) for rounds in (1000, LATE))
        seen = "one context" if contextual else "no context"
        for name, times in late.items():
            most = 3.0 if name.endswith("compiled") else 10.0
            record.figure(f"{name}, {seen}", 1e6 * times.median, "µs", at_most=most)
            # minima: these races do not alternate
            growth = times.minimum / early[name].minimum
            record.figure(f"{name}, {seen}, late over early", growth, at_most=1.25)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
