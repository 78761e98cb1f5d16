"""What learning ω of SSOR-CG saves: heat equation, other families, and 1024² unknowns.

``python benchmarks/bench_learning_heat.py`` writes ``results/learning_heat.json`` and ``.md`` in
about six minutes (``--steps``, ``--seeds`` and ``--points`` make it shorter, and then it writes
nothing). Iterations depend on no machine; seconds do.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import harness  # pins the threads before NumPy reads them

# isort: split
import numpy as np
import problems_learning
from tqdm import tqdm

from structlin.matrices import GridOperator
from structlin.solvers import Outcome, RelaxationLayer, Solution, cg, ssor_cg
from structlin.solvers._solution import quiet

GRID = np.linspace(1, 1.95, 20).tolist()
KAPPAS = problems_learning.heat()[1]
SSOR_CG = functools.partial(quiet(ssor_cg), sweep_order="backward-forward")


def layered(contexts: Any = None, rng: int = 0, **options: Any) -> Callable[..., Solution]:
    """Return a layer's `solve`; contexts, if they are given, come one after the other."""
    if contexts is None:
        return RelaxationLayer(SSOR_CG, rng=rng, **options).solve
    bounds, values = contexts
    layer, following = RelaxationLayer(SSOR_CG, contexts=bounds, rng=rng), iter(values)
    return lambda A, b, **more: layer.solve(A, b, context=next(following), **more)


def by_hand(contexts: Any, rng: int = 0) -> Callable[..., Solution]:
    """Return a solver with the layer's learner, asked and told without a layer."""
    bounds, values = contexts
    learner, following = RelaxationLayer(SSOR_CG, contexts=bounds, rng=rng).learner, iter(values)

    def solve(A: Any, b: Any, **options: Any) -> Solution:
        play = learner.ask(next(following))
        solution = SSOR_CG(A, b, omega=play.value, **options)
        first, last = solution.residual_norms[[0, -1]].tolist()
        reduction = math.log(first / last) if 0 < last < first else None
        loss = float(max(solution.iterations, 1))
        learner.tell(play, Outcome(loss, not solution.converged, None, reduction))
        return solution

    return solve


def best_of_grid(A: Any, b: Any, **options: Any) -> Solution:
    """Return the cheapest solution of the whole grid."""
    tries = (SSOR_CG(A, b, omega=omega, **options) for omega in GRID)
    return min(tries, key=lambda solution: solution.iterations)


def fixed(omega: float) -> Callable[..., Solution]:
    return functools.partial(SSOR_CG, omega=omega)


def heat(record: harness.Record, steps: int, seeds: int) -> float:
    problem, _ = problems_learning.heat(25)
    kappas = [problem.conductivity(k * problem.dt) for k in range(steps)]

    def total(solver: Callable[..., Solution], start: str = "previous") -> int:
        run = problem.run(steps, solver, start=start, progress=False)
        if not run.converged:
            raise ArithmeticError(f"{solver} did not converge in every step")
        return int(run.iterations.sum())

    told = KAPPAS, kappas
    plain = total(quiet(cg))
    totals = [total(fixed(omega)) for omega in tqdm(GRID, desc="fixed", leave=False)]
    best = min(totals)
    envelope = total(best_of_grid)
    for name, value in (
        ("CG", plain),
        ("SSOR-CG, ω = 1", totals[0]),
        (f"SSOR-CG, best fixed ω = {GRID[totals.index(best)]:.2f}", best),
        ("best of 20 ω in every step", envelope),
    ):
        record.figure(f"heat, {steps} steps: {name}", value, "iterations")
    with_context = [total(layered(told, seed)) for seed in range(seeds)]
    read_off = [total(layered(rng=seed)) for seed in range(seeds)]
    without = [total(layered(rng=seed, contextual=False)) for seed in range(seeds)]
    full = steps == 5000
    record.figure(
        "heat: learned, context κ, mean",
        float(np.mean(with_context)),
        "iterations",
        at_most=24_800 if full else None,
    )
    record.figure("heat: learned, context κ, worst seed", max(with_context), "iterations")
    record.figure(
        "heat: learned with κ / best of every step", float(np.mean(with_context)) / envelope
    )
    record.figure(
        "heat: learned, context read off the matrix, mean", float(np.mean(read_off)), "iterations"
    )
    record.figure("heat: learned, context read off, worst seed", max(read_off), "iterations")
    record.figure(
        "heat: learned without context / best fixed, mean",
        float(np.mean(without)) / best,
        at_most=1.05,
    )
    record.figure("heat: learned without context / best fixed, worst seed", max(without) / best)
    again = [total(fixed(omega), "extrapolated") for omega in (1.0, GRID[totals.index(best)])]
    record.figure("heat, extrapolated starts: ω = 1", again[0], "iterations")
    record.figure("heat, extrapolated starts: best fixed ω", again[1], "iterations")
    record.figure(
        "heat, extrapolated starts: learned with κ",
        total(layered(told), "extrapolated"),
        "iterations",
    )
    return GRID[totals.index(best)]


def wall_time(
    record: harness.Record, nx: int, steps: int, best: float | None, seconds: float, full: bool
) -> None:
    """Compare seconds of whole runs, learner and layer included."""
    problem, _ = problems_learning.heat(nx)
    kappas = [problem.conductivity(k * problem.dt) for k in range(steps)]

    def run(solver: Callable[..., Solution]) -> int:
        return int(problem.run(steps, solver, progress=False).iterations.sum())

    if best is None:
        best = min(GRID, key=lambda omega: run(fixed(omega)))
    names = "learned, asked and told by hand", "learned, RelaxationLayer", "ω = 1", "best fixed ω"
    record.race(
        f"heat, nx = {nx}, {steps} steps",
        {
            names[0]: lambda: run(by_hand((KAPPAS, kappas))),
            names[1]: lambda: run(layered((KAPPAS, kappas))),
            names[2]: lambda: run(fixed(1.0)),
            names[3]: lambda: run(fixed(best)),
        },
        bars=[(name, other, 1.0) for name in names[:2] for other in names[2:]] if full else [],
        seconds=seconds,
    )


def families(record: harness.Record, steps: int) -> None:
    """Compare with the best fixed ω where neither context nor start comes from a simulation."""
    chosen = {**problems_learning.STUDY, **problems_learning.FAMILIES}
    for family in tqdm(chosen.values(), desc="families", leave=False):
        counts = np.zeros(len(GRID))
        total = 0
        contexts = [system.context for system in family.systems(steps, 0)]
        solver = layered((family.contexts, contexts))
        for system in family.systems(steps, 0):
            total += solver(system.A, system.b).iterations
            counts += [fixed(omega)(system.A, system.b).iterations for omega in GRID]
        record.figure(
            f"{family.name}, {steps} solves: SSOR-CG learned / best fixed ω",
            total / counts.min(),
            at_most=1.05,
        )


def large(record: harness.Record, m: int) -> None:
    """Learn on small grids, then solve a large one; sizes are read off the matrices."""
    rng = np.random.default_rng(0)
    layer = RelaxationLayer(SSOR_CG, rng=0)
    sizes = [n for n in (15, 23, 31, 47, 63, 95, 127, 191, 255, 383, 511) if n < m]
    for n in tqdm([*sizes, m], desc="sizes", leave=False):
        A = GridOperator.laplacian((n, n))
        solves = 8 if n < 128 else 4 if n < m else 3
        last = [layer.solve(A, rng.standard_normal((n, n))) for _ in range(solves)]
    counts = [solution.iterations for solution in last]
    plain = fixed(1.0)(A, rng.standard_normal((m, m))).iterations
    record.figure(f"{m}²: SSOR-CG, ω = 1", plain, "iterations")
    record.figure(
        f"{m}²: learned on up to {sizes[-1]}², mean of {len(counts)}",
        float(np.mean(counts)),
        "iterations",
    )
    record.figure(f"{m}²: ω = 1 over learned", plain / float(np.mean(counts)), at_least=4.0)
    record.figure(f"{m}²: ω learned", float(np.median([s.choices["omega"] for s in last])))


def main() -> int:
    """Run everything; write it if it is the full study."""
    parser = argparse.ArgumentParser(description=__doc__)
    full = {"steps": 5000, "seeds": 5, "points": 1024}
    for name, default in full.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = vars(parser.parse_args())
    record = harness.Record("learning_heat", "Learned ω of SSOR-CG")
    best = heat(record, asked["steps"], asked["seeds"])
    for nx, steps, known in ((25, asked["steps"], best), (100, asked["steps"] // 5, None)):
        wall_time(record, nx, steps, known, 60.0 if asked == full else 5.0, asked == full)
    families(record, min(asked["steps"] // 10, 500))
    large(record, asked["points"])
    if asked != full:
        for figure in record._figures:
            print(f"{figure['name']}: {figure['value']:.5g} {figure['unit']}")
        return 0
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
