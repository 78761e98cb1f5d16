"""What learning ω saves over sequences of systems: the contextual study, and where theory ends.

Counts iterations, which depend on no machine: ``python benchmarks/bench_learning_study.py`` writes
``results/learning_study.json`` and ``.md`` in some minutes (``--trials`` and ``--steps`` make it
shorter, and then it writes nothing). Every learner stands behind a `RelaxationLayer`, and knows of
the systems what that tells it: contexts, rates of convergence, and counts.
"""

from __future__ import annotations

import _report  # pins the threads before NumPy reads them

# isort: split
import argparse
import functools
import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from problems_learning import FAMILIES, OMEGAS, STUDY, Family
from tqdm import tqdm

from structlin.solvers import RelaxationLayer, jacobi_radius, omega_young, sor
from structlin.solvers._solution import quiet
from structlin.solvers.learners import (
    ChebCB,
    ContextBinned,
    Learner,
    ThompsonSampling,
    TsallisINF,
)

RESULTS = Path(__file__).parent / "results"
FULL = {"trials": 10, "steps": 5000}
FIXED_TRIALS = 1  # in which every fixed ω is tried too
PEER_TRIALS = 4  # of learners that are not the default
FAMILY_TRIALS, FAMILY_STEPS = 2, 2500  # at most
WINDOW, SETTLED = 500, 200
ARMS = OMEGAS.tolist()
Bounds = tuple[float, float]

LEARNERS: dict[str, Callable[[Bounds, int], Learner | None]] = {
    "default (SpectralLearner)": lambda bounds, seed: None,
    "ChebCB": lambda bounds, seed: ChebCB(ARMS, bounds, degree=5, least=1, rng=seed),
    "ThompsonSampling, contexts": lambda bounds, seed: ThompsonSampling(
        ARMS, bounds, least=1, rng=seed
    ),
    "ContextBinned": lambda bounds, seed: ContextBinned(ARMS, bounds, least=1, rng=seed),
    "TsallisINF": lambda bounds, seed: TsallisINF(ARMS, least=1, rng=seed),
}
NO_CONTEXT = "default, no context"
READ_OFF = "default, context read off the matrix"
YOUNG = "ω*(c) of Young"
GOLDEN = "best of every system by golden section"
EVALUATIONS = 12
MABWISER = "MABWiser LinUCB"
PEERS = (*tuple(LEARNERS)[1:], MABWISER)  # in fewer trials


def counts(family: Family, steps: int, seed: int, name: str) -> NDArray[np.int64]:
    """Return the iterations of every solve of a trial, by a learner of that name or by formula."""
    solver = functools.partial(quiet(sor), ordering=family.ordering)
    options: dict[str, Any] = {"contextual": name != NO_CONTEXT}
    if name in LEARNERS:
        learner = LEARNERS[name](family.contexts, seed)
        options["learner"] = learner
        if learner is None:
            options["contexts"] = family.contexts
    layer = RelaxationLayer(solver, rng=seed, **options)
    told = name in LEARNERS and (options["learner"] is None or options["learner"].contexts)
    iterations = np.empty(steps, dtype=np.int64)
    for t, (A, b, context) in enumerate(family.systems(steps, seed)):
        if name == YOUNG:
            solution = solver(A, b, omega=omega_young(jacobi_radius(A)))
        else:
            solution = layer.solve(A, b, context=context if told else None)
        if not solution.converged:
            raise ArithmeticError(f"{name}: {solution!r} in step {t} of {family.name}")
        iterations[t] = solution.iterations
    return iterations


def fixed(family: Family, steps: int, seed: int) -> NDArray[np.int64]:
    """Return the iterations with every ω of the grid: (steps, arms) array."""
    solver = functools.partial(quiet(sor), ordering=family.ordering)
    return np.array(
        [
            [solver(A, b, omega=omega).iterations for omega in ARMS]
            for A, b, _ in family.systems(steps, seed)
        ]
    )


def golden_section(family: Family, steps: int, seed: int) -> NDArray[np.int64]:
    """Return the least iterations that a golden-section search of ω finds for every system."""
    solver = functools.partial(quiet(sor), ordering=family.ordering)
    ratio = (math.sqrt(5) - 1) / 2

    def least(A: Any, b: Any) -> int:
        def count(omega: float) -> int:
            return solver(A, b, omega=omega).iterations

        low, high = ARMS[0], ARMS[-1]
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        seen = [count(left), count(right)]
        best = min(seen)
        for _ in range(EVALUATIONS - 2):
            if seen[0] <= seen[1]:
                high, right = right, left
                left = high - ratio * (high - low)
                seen = [count(left), seen[0]]
            else:
                low, left = left, right
                right = low + ratio * (high - low)
                seen = [seen[1], count(right)]
            best = min(best, *seen)
        return best

    return np.array([least(A, b) for A, b, _ in family.systems(steps, seed)])


def mabwiser(family: Family, steps: int, seed: int) -> NDArray[np.int64]:
    """Return the iterations with MABWiser's LinUCB on Chebyshev polynomials of the context.

    Every ω is tried once; rewards are minus the iterations, in units of their mean until then.
    """
    from mabwiser.mab import MAB, LearningPolicy

    solver = functools.partial(quiet(sor), ordering=family.ordering)
    bandit = MAB(list(range(len(ARMS))), LearningPolicy.LinUCB(alpha=1.0), seed=seed)
    low, high = family.contexts
    iterations = np.empty(steps, dtype=np.int64)
    features = []
    for t, (A, b, context) in enumerate(family.systems(steps, seed)):
        place = (2 * context - low - high) / (high - low)
        features.append(np.polynomial.chebyshev.chebvander([place], 5)[0])
        arm = t if t < len(ARMS) else bandit.predict([features[t]])
        iterations[t] = solver(A, b, omega=ARMS[arm]).iterations
        if t == len(ARMS) - 1:
            unit = iterations[: t + 1].mean()
            bandit.fit(list(range(t + 1)), (-iterations[: t + 1] / unit).tolist(), features)
        elif t >= len(ARMS):
            bandit.partial_fit([arm], [-iterations[t] / unit], [features[t]])
    return iterations


def _task(key: tuple[str, int, str], steps: int) -> NDArray[np.int64]:
    kind, seed, name = key
    family = {**STUDY, **FAMILIES}[kind]
    steps = min(steps, FAMILY_STEPS) if kind in FAMILIES else steps
    run = {"fixed": fixed, GOLDEN: golden_section, MABWISER: mabwiser}.get(name)
    return counts(family, steps, seed, name) if run is None else run(family, steps, seed)


def contestants() -> tuple[str, ...]:
    """Return the names of all that are compared with Young's formula; peers if installed."""
    peers = (MABWISER,) if importlib.util.find_spec("mabwiser") else ()
    return (*LEARNERS, *peers, NO_CONTEXT, READ_OFF, YOUNG)


def tasks(trials: int) -> list[tuple[str, int, str]]:
    """Return (problem, trial, contestant) of all runs."""
    chosen = [
        (kind, seed, name)
        for kind in STUDY
        for name in contestants()
        for seed in range(min(trials, PEER_TRIALS) if name in PEERS else trials)
    ]
    chosen += [
        (kind, seed, name)
        for kind in STUDY
        for name in ("fixed", GOLDEN)
        for seed in range(min(trials, FIXED_TRIALS))
    ]
    chosen += [
        (kind, seed, name)
        for kind in FAMILIES
        for name in ("fixed", "default (SpectralLearner)", NO_CONTEXT, READ_OFF)
        for seed in range(min(trials, FAMILY_TRIALS))
    ]
    return chosen


def study(trials: int, steps: int) -> dict[str, Any]:
    """Return the figures of all runs."""
    keys = sorted(tasks(trials), key=lambda key: key[2] != "fixed")  # the long ones first
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(functools.partial(_task, steps=steps), keys)
        done = dict(zip(keys, tqdm(runs, total=len(keys), unit="run"), strict=True))
    content: dict[str, Any] = {"trials": trials, "steps": steps, "omegas": ARMS}
    for kind in STUDY:
        content[kind] = _study_figures(done, kind)
    for kind in FAMILIES:
        content[kind] = _family_figures(done, kind)
    return content


def _study_figures(done: dict[Any, NDArray[np.int64]], kind: str) -> dict[str, Any]:
    """Return mean counts, and those relative to Young's, for every contestant."""
    arms = [run for key, run in done.items() if key[0] == kind and key[2] == "fixed"]
    figures: dict[str, Any] = {
        "fixed": np.mean([run.mean(0) for run in arms], axis=0).tolist(),
        "every step": float(np.mean([run.min(1).mean() for run in arms])),
        "golden section": float(
            np.mean([run.mean() for key, run in done.items() if key[::2] == (kind, GOLDEN)])
        ),
    }
    for name in contestants():
        runs = {key[1]: run for key, run in done.items() if key[0] == kind and key[2] == name}
        young = {seed: done[kind, seed, YOUNG] for seed in runs}
        total = sum(run.sum() for run in young.values())
        best = [done[kind, seed, "fixed"].sum(0).min() for seed in range(len(arms))]
        figures[name] = {
            "mean": float(np.mean([run.mean() for run in runs.values()])),
            "over Young": float(sum(run.sum() for run in runs.values()) / total),
            "each trial": [float(runs[s].sum() / young[s].sum()) for s in sorted(runs)],
            "first 50": float(
                sum(run[:50].sum() for run in runs.values())
                / sum(run[:50].sum() for run in young.values())
            ),
            "over best fixed": float(sum(runs[s].sum() for s in range(len(arms))) / sum(best)),
        }
    return figures


def _family_figures(done: dict[Any, NDArray[np.int64]], kind: str) -> dict[str, Any]:
    """Return the costs over those of the best fixed ω: at the end, and in the worst window."""
    figures: dict[str, Any] = {}
    seeds = sorted(key[1] for key in done if key[0] == kind and key[2] == "fixed")
    arms = [done[kind, seed, "fixed"] for seed in seeds]
    figures["fixed"] = np.mean([run.mean(0) for run in arms], axis=0).tolist()
    figures["every step"] = float(np.mean([run.min(1).mean() for run in arms]))
    for name in ("default (SpectralLearner)", NO_CONTEXT, READ_OFF):
        ends, worst, means = [], [], []
        for seed, run in zip(seeds, arms, strict=True):
            counts = done[kind, seed, name]
            best = run[:, run.sum(0).argmin()]
            ratios = _windows(counts) / _windows(best)
            ends.append(counts[-WINDOW:].sum() / best[-WINDOW:].sum())
            worst.append(ratios[SETTLED:].max() if len(ratios) > SETTLED else np.nan)
            means.append(counts.mean())
        figures[name] = {
            "mean": float(np.mean(means)),
            "end": float(np.max(ends)),
            "worst window": float(np.max(worst)),
        }
    return figures


def _windows(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sums over all windows, by their first steps."""
    totals = np.concatenate([[0], np.cumsum(counts)])
    width = min(WINDOW, len(counts))
    return np.asarray(totals[width:] - totals[:-width])


def markdown(content: dict[str, Any]) -> str:
    """Tell the study as tables."""
    lines = [
        f"# Learned ω of SOR: {content['trials']} trials of {content['steps']} systems",
        "",
        "Iterations per solve to ‖r‖ < 1e-8 ‖b‖ from zero, 10 × 10 points, lexicographic order. "
        f"Learners but the default one in {PEER_TRIALS} trials, all fixed ω in {FIXED_TRIALS}.",
        "",
        "| high variance, low variance | mean | / ω*(c) | (worst trial) | first 50 / ω*(c) | "
        "/ best fixed |",
        "|---|---|---|---|---|---|",
    ]
    high, low = content["high"], content["low"]
    omegas = content["omegas"]
    for name in contestants():
        rows = [
            f"{a:.{digits}f}, {b:.{digits}f}"
            for a, b, digits in (
                (high[name]["mean"], low[name]["mean"], 1),
                (high[name]["over Young"], low[name]["over Young"], 3),
                (max(high[name]["each trial"]), max(low[name]["each trial"]), 3),
                (high[name]["first 50"], low[name]["first 50"], 2),
                (high[name]["over best fixed"], low[name]["over best fixed"], 3),
            )
        ]
        lines.append(f"| {name} | {' | '.join(rows)} |")
    best = [
        f"{min(f['fixed']):.1f} (ω = {omegas[int(np.argmin(f['fixed']))]:.2f})" for f in (high, low)
    ]
    lines.append(f"| best fixed ω of {len(omegas)} | {', '.join(best)} | | | | |")
    lines.append(
        f"| best of {len(omegas)} in every step | {high['every step']:.1f}, "
        f"{low['every step']:.1f} | | | | |"
    )
    lines.append(
        f"| {GOLDEN}, {EVALUATIONS} evaluations | {high['golden section']:.1f}, "
        f"{low['golden section']:.1f} | | | | |"
    )
    lines += [
        "",
        "Families that Young's formula does not cover, relative to the best fixed ω of the whole "
        f"sequence: mean iterations; the last {WINDOW} solves; the worst window of {WINDOW} after "
        f"the first {SETTLED} (the worst of up to {FAMILY_TRIALS} trials of "
        f"{min(content['steps'], FAMILY_STEPS)} systems).",
        "",
        "| | best fixed | best of every step | with context | read off the matrix | no context |",
        "|---|---|---|---|---|---|",
    ]
    for kind, family in FAMILIES.items():
        figures = content[kind]
        cells = [
            f"{figures[name]['mean']:.1f}; {figures[name]['end']:.2f}; "
            f"{figures[name]['worst window']:.2f}"
            for name in ("default (SpectralLearner)", READ_OFF, NO_CONTEXT)
        ]
        lines.append(
            f"| {family.name} | {min(figures['fixed']):.1f} | {figures['every step']:.1f} | "
            f"{' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the study; write it if it is the full one."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in FULL.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = vars(parser.parse_args())
    content = study(**asked)
    table = markdown(content)
    print(table)
    if asked == FULL:
        content["machine"] = _report.machine()
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (RESULTS / "learning_study.json").write_text(text + "\n", encoding="utf-8")
        (RESULTS / "learning_study.md").write_text(table, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
