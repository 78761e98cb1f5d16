"""``python -m structlin heat``: simulate heat with solvers, one of which learns its parameter."""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from structlin._commands._arguments import Parser, save, whole, with_picture
from structlin.plotting import heat_story
from structlin.solvers import (
    HeatEquation2D,
    HeatRun,
    RelaxationLayer,
    Solution,
    cg,
    fast_sine,
    sor,
    ssor_cg,
)

DIRECT = "fast direct (sine transform)"
PLAIN = "SOR, ω = 1"
LEARNED = "SOR, learned ω"
LEARNED_CG = "SSOR-CG, learned ω"
OMEGAS = np.linspace(1, 1.95, 20).tolist()  # to find the best fixed parameter
# of the default 1500 steps: before, at the onset of, within and after strong diffusion
moments = (1 / 6, 1 / 3, 11 / 30, 1 / 2, 5 / 6)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulation once per solver, print what it cost, and draw it.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the command line by default.

    Returns
    -------
    int
        0, or 1 if a solver did not converge in every step, or 2 if the memory did not suffice.
    """
    arguments = _arguments(argv)
    heat = HeatEquation2D(arguments.nx)
    title = (
        f"Heat equation, {heat.nx - 1} x {heat.nx - 1} points, {arguments.steps} steps to "
        f"t = {arguments.steps * heat.dt:g}: a moving source, and a conductivity that swings "
        "between weak and strong."
    )
    print(textwrap.fill(title, 78))
    _compile()
    try:
        runs, omega, search_seconds = _simulate(heat, arguments.steps, arguments.seed)
    except MemoryError:
        print(
            "python -m structlin heat: error: out of memory: pass a smaller --nx", file=sys.stderr
        )
        return 2
    best = f"SOR, ω = {omega:g} (best of 20)"
    runs = {best if name == "best" else name: run for name, run in runs.items()}
    print("", *_table(runs), "", sep="\n")
    for remark in _remarks(runs, best, search_seconds):
        print(textwrap.fill(remark, 78))
    if arguments.out is None:
        print(f"Drew nothing: {arguments.why_nothing}.")
    else:
        import matplotlib

        matplotlib.use("agg")  # no window, and none that could fail to open
        story = {name: runs[name] for name in (best, PLAIN, "CG", LEARNED, LEARNED_CG)}
        figure = heat_story(
            story, LEARNED, fixed={"best fixed ω": omega}, conductivity=heat.conductivity
        )
        save(figure, arguments.out)
    return 0 if all(run.converged for run in runs.values()) else 1


def _compile() -> None:
    """Compile what the solvers need, before the clock runs."""
    heat = HeatEquation2D(8)
    for solver in (fast_sine, cg, RelaxationLayer(), RelaxationLayer(ssor_cg)):
        heat.run(20, solver, progress=False)


def _simulate(
    heat: HeatEquation2D, steps: int, seed: int
) -> tuple[dict[str, HeatRun], float, float]:
    """Return the runs, the best ω of the grid, and the seconds that finding it took."""
    solvers: dict[str, Callable[..., Solution] | RelaxationLayer] = {
        DIRECT: fast_sine,
        "CG": cg,
        LEARNED: RelaxationLayer(rng=seed),
        LEARNED_CG: RelaxationLayer(ssor_cg, rng=seed),
    }
    shots = {round(moment * steps) for moment in moments}
    with tqdm(total=len(solvers) + len(OMEGAS), unit="run", delay=1, leave=False) as bar:
        runs = {}
        for name, solver in solvers.items():
            bar.set_description(name, refresh=False)
            runs[name] = heat.run(steps, solver, progress=False, snapshots=shots)
            bar.update()
        begin = time.perf_counter()
        least, best = math.inf, 1.0
        for omega in OMEGAS:
            bar.set_description(f"SOR, ω = {omega:g}", refresh=False)
            solver = _bounded(functools.partial(sor, omega=omega), least)
            with contextlib.suppress(_TooExpensive):
                run = heat.run(steps, solver, progress=False)
                runs.setdefault(PLAIN, run)  # the grid begins at ω = 1
                least, best, runs["best"] = run.iterations.sum(), omega, run
            bar.update()
    order = (DIRECT, "CG", PLAIN, "best", LEARNED, LEARNED_CG)
    return {name: runs[name] for name in order}, best, time.perf_counter() - begin


class _TooExpensive(Exception):
    """A run cannot become the cheapest any more."""


def _bounded(solver: Callable[..., Solution], budget: float) -> Callable[..., Solution]:
    """Return a solver that gives up once its solves have taken ``budget`` iterations in all."""
    spent = 0

    def solve(*args: Any, **kwargs: Any) -> Solution:
        nonlocal spent
        solution = solver(*args, **kwargs)
        spent += solution.iterations
        if spent >= budget:
            raise _TooExpensive
        return solution

    return solve


def _table(runs: Mapping[str, HeatRun]) -> Iterator[str]:
    direct = runs[DIRECT].u
    yield f"{'solver':<28}{'iterations':>12}{'seconds':>10}{'difference':>12}"
    yield "-" * 62
    for name, run in runs.items():
        iterations, difference = "-", "-"
        if name != DIRECT:
            iterations = f"{run.iterations.sum()}"
            difference = f"{np.linalg.norm(run.u - direct) / np.linalg.norm(direct):.1e}"
        yield f"{name:<28}{iterations:>12}{run.seconds.sum():>10.2f}{difference:>12}"


def _remarks(runs: Mapping[str, HeatRun], best: str, search_seconds: float) -> Iterator[str]:
    yield (
        "Seconds are those spent in the solver. The difference is that of the final temperature "
        "from the direct solution, relative to it. Iterations of CG, SOR and SSOR-CG differ in "
        "cost: compare seconds."
    )
    learned = runs[LEARNED]
    yield (
        f"Learning ω took {_compared(learned, runs[PLAIN])} ω = 1, and "
        f"{_compared(learned, runs[best])} the best fixed ω, which is known only after trying "
        f"all 20 ({search_seconds:.1f} s)."
    )
    seconds = {name: float(run.seconds.sum()) for name, run in runs.items()}
    quickest = min(runs.keys() - {DIRECT}, key=seconds.__getitem__)
    ratio = seconds[quickest] / seconds[DIRECT]
    yield (
        f"The quickest iterative solver here ({quickest}) took {ratio:.1f} times as long as the "
        "fast direct one, which works for constant coefficients on a box only."
    )
    for name, run in runs.items():
        if not run.converged:
            yield f"{name} did NOT converge in every step."


def _compared(run: HeatRun, other: HeatRun) -> str:
    """Tell one run's iterations by those of another, as in "9% fewer iterations than"."""
    ratio = run.iterations.sum() / max(int(other.iterations.sum()), 1)
    if ratio >= 2:
        return f"{ratio:.1f} times as many iterations as"
    return f"{abs(ratio - 1):.0%} {'fewer' if ratio < 1 else 'more'} iterations than"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m structlin heat",
        description="Simulate heat on a square once per linear solver, among them one that "
        "learns its relaxation parameter on the way, and compare what they cost.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--nx", type=whole(2, 4096), default=50, help="intervals per side")
    parser.add_argument("--steps", type=whole(1, 10**6), default=1500, help="time steps of 1e-3")
    parser.add_argument("--seed", type=whole(0, 2**63 - 1), default=0, help="seed of the learners")
    return with_picture(parser, argv, "structlin_heat.png")
