"""Equations by conditioning a Gaussian process: error and time beside other methods.

Every problem of the reference, from its given even nodes:

- *ours*: `solve_linear_pde` or `solve_semilinear_pde`, defaults only;
- *fallback*: the same without spectral knowledge, ``kernel="extension"``;
- *GP-HM*: a stand-in for the published method after 100 steps of Adam (fewer in the plane, where
  the seconds of 100 follow from those of 20 s), and after as many seconds as ours took;
- *collocation*: Chebyshev polynomials at as many nodes of its own choice. This is what to use where
  nodes may be chosen freely: in two dimensions it is much the fastest of all.

Then the fallback in the plane, with 40 oscillations along each axis, and the coverage of the
standard deviations: 50 draws of noise of a thousandth of the source.
Errors are relative L2 errors at 300 even points per axis; no method sees the exact solution there.

Figures are printed as they come. ``python bench_gp_pde.py P1 forty`` takes these problems only, and
writes another record.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import harness  # first: the threads are pinned before NumPy reads them

# isort: split
import numpy as np
import torch
from _threads import THREADS
from peers import gp_hm as peer
from problems_gp import ACCEPTANCE, LAPLACE2, ROUND, Problem, even, sine

from structlin import ConvergenceWarning
from structlin.bases import Chebyshev
from structlin.solvers import collocation, solve_linear_pde, solve_semilinear_pde

STEPS, SEEDS = 100, 50
NOISE = 1e-3  # of the largest value of the source
NOISY = ("P1", "P2", "P3", "P4", "P5")
FALLBACK = {"P1", "P2", "P3", "P4", "P5", "chirp", "bump"}
ROUNDS = 3
LONGEST = 20.0  # seconds of a run of GP-HM
FORTY = Problem(
    "forty",
    even(ROUND, 160, 2),
    ((sine(40), sine(40)),),
    LAPLACE2,
    note="sin 40x sin 40y",
)
BEGUN = time.perf_counter()


def ours(problem: Problem, kernel: str = "auto", noise: Any = None, rhs: Any = None) -> Any:
    data = problem.rhs if rhs is None else rhs
    if problem.nonlinearity is None:
        return solve_linear_pde(
            problem.grid, problem.terms, data, problem.boundary, kernel, noise, rng=0
        )
    return solve_semilinear_pde(
        problem.grid,
        problem.terms,
        problem.nonlinearity,
        data,
        problem.boundary,
        kernel=kernel,
        rng=0,
    )


def spectral(problem: Problem) -> Any:
    """Return the collocation solution at Chebyshev points, as many as the problem has nodes.

    Semilinear problems in one dimension by Newton's method; in two by steps whose coefficient is
    replaced by its mean, which keeps the operator a sum over the axes.
    """
    axes = tuple(
        Chebyshev(*side).points(n)
        for side, n in zip(problem.grid.sides, problem.grid.shape, strict=True)
    )
    moved = Problem(
        problem.name,
        type(problem.grid)(*axes),
        problem.products,
        problem.terms,
        nonlinearity=problem.nonlinearity,
        sides=problem.sides,
    )
    source = moved.grid.evaluate(moved.rhs)
    if moved.nonlinearity is None:
        return collocation(axes, moved.terms, source, moved.boundary)
    u, order = np.zeros(moved.grid.shape), (0,) * moved.ndim
    for _ in range(60):
        value, (slope,) = moved.nonlinearity.evaluated(u)
        slope = slope if moved.ndim == 1 else np.full_like(u, np.mean(slope))
        terms = dict(moved.terms) | {order: slope}
        run = collocation(axes, terms, source - value + slope * u, moved.boundary)
        change = np.linalg.norm(run.values - u) / np.linalg.norm(run.values)
        u = run.values
        if change < 1e-12:
            break
    return run


def trained(problem: Problem, steps: int, time_limit: float) -> Any:
    term = problem.nonlinearity
    return peer.train(
        problem.grid.axes,
        problem.terms,
        problem.grid.evaluate(problem.rhs),
        problem.grid.evaluate(problem.u),
        nonlinearity=None if term is None else term.value,
        frequency=problem.frequency,
        boundary_weight=problem.boundary_weight,
        steps=steps,
        time_limit=time_limit,
    )


def told(
    record: harness.Record,
    name: str,
    value: float,
    unit: str = "",
    most: float | None = None,
    least: float | None = None,
) -> None:
    """Record a figure, and print it: a run takes minutes."""
    print(f"{time.perf_counter() - BEGUN:6.1f} s  {name}: {value:.3g} {unit}", flush=True)
    record.figure(name, value, unit, at_most=most, at_least=least)


def timed(run: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = run()
    return result, time.perf_counter() - begin


def accuracy(record: harness.Record, problem: Problem) -> None:
    """Record errors and seconds of every method, in alternating rounds where they are short."""
    name, points = problem.name, problem.test_axes()
    contestants = {"ours": lambda: ours(problem)}
    if name in FALLBACK:
        contestants["fallback"] = lambda: ours(problem, "extension")
    if problem.sides == "all":
        contestants["GP-HM"] = lambda: trained(problem, STEPS, LONGEST)
    contestants["collocation"] = lambda: spectral(problem)
    seconds: dict[str, list[float]] = {key: [] for key in contestants}
    for turn in range(ROUNDS if problem.ndim == 1 else 1):
        for key in list(contestants)[:: -1 if turn % 2 else 1]:
            if key == "GP-HM" and turn > 0:  # a hundred times slower: once is enough
                continue
            run, taken = timed(contestants[key])
            if key == "GP-HM":  # long runs are cut short: every step takes as long as another
                done = len(run.losses)
                taken *= STEPS / done
            seconds[key].append(taken)
            if turn == 0:
                bar = {"ours": problem.goal, "fallback": 1e-4}.get(key)
                title = f"{key}, {done} steps" if key == "GP-HM" else key
                error = problem.error(run.mean(*points))
                told(record, f"{name}, {problem.note}: {title}, relative error", error, most=bar)
                if key == "ours" and problem.ndim == 1:
                    floor(record, problem, run)
    medians = {key: float(np.median(taken)) for key, taken in seconds.items()}
    for key, taken in medians.items():
        bar = 2.0 if problem.ndim == 1 else 10.0 if name == "P6" else None
        title = f"{key}, {STEPS} steps" if key == "GP-HM" else key
        told(record, f"{name}: {title}, seconds", taken, "s", bar if key == "ours" else None)
    if "GP-HM" in medians:
        ratio = medians["ours"] / medians["GP-HM"]
        told(record, f"{name}: time of ours over {STEPS} steps of GP-HM", ratio, most=1.0)
        run = trained(problem, 10**9, min(medians["ours"], LONGEST))
        error = problem.error(run.mean(*points))
        steps = len(run.losses)
        told(record, f"{name}: GP-HM in the seconds of ours ({steps} steps), relative error", error)


def plane_fallback(record: harness.Record) -> None:
    """Record the error without spectral knowledge in the plane, 40 oscillations per axis."""
    problem = FORTY
    run, taken = timed(lambda: ours(problem, "extension"))
    error = problem.error(run.mean(*problem.test_axes()))
    told(record, f"{problem.name}, {problem.note}: fallback, relative error", error, most=1e-3)
    told(record, f"{problem.name}: fallback, seconds", taken, "s")


def coverage(record: harness.Record, problem: Problem, seeds: int) -> None:
    """Record how often two standard deviations hold the error, and their size, over draws."""
    (x,), exact = problem.test_axes(), problem.exact()
    source = problem.grid.evaluate(problem.rhs)
    sd = NOISE * float(np.max(np.abs(source)))
    inside, ratios, errors = [], [], []
    for seed in range(seeds):
        noise = np.random.default_rng(seed).standard_normal(source.shape)
        run = ours(problem, noise=sd, rhs=source + sd * noise)
        gap, std = np.abs(run.mean(x) - exact), run.std(x)
        inside.append(np.mean(gap <= 2 * std))
        ratios.append(np.median(gap / std))
        errors.append(problem.error(run.mean(x)))
    name = f"{problem.name} with noise, {seeds} draws"
    told(record, f"{name}: share within 2 sd", float(np.mean(inside)), least=0.9)
    told(record, f"{name}: median error over sd", float(np.median(ratios)), least=0.2)
    told(record, f"{name}: median relative error", float(np.median(errors)))


def floor(record: harness.Record, problem: Problem, run: Any) -> None:
    """Record how the standard deviation compares with the true error where there is no noise."""
    points = problem.test_axes()
    gap = np.abs(run.mean(*points) - problem.exact())
    share = float(np.mean(gap <= 3 * run.std(*points)))
    told(record, f"{problem.name}: share of errors within 3 sd, no noise", share, least=0.95)


def main() -> int:
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(THREADS)
    chosen = sys.argv[1:]
    record = harness.Record(
        "gp_pde_part" if chosen else "gp_pde", "Equations solved by conditioning a Gaussian process"
    )
    ours(ACCEPTANCE["P1"])  # what compiles does so now
    trained(ACCEPTANCE["P1"], 1, np.inf)
    for name in chosen or ACCEPTANCE:
        if name != FORTY.name:
            accuracy(record, ACCEPTANCE[name])
    if not chosen or FORTY.name in chosen:
        plane_fallback(record)
    for name in NOISY:
        if not chosen or name in chosen:
            coverage(record, ACCEPTANCE[name], SEEDS)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
