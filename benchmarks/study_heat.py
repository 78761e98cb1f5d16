"""What learning ω saves on the heat equation, beside every fixed ω and the best of every step.

Counts iterations, which depend on no machine: ``python benchmarks/study_heat.py`` writes
``results/heat.json`` and ``results/heat.md`` in under ten minutes (``--nx``, ``--steps`` and
``--seeds`` make it shorter, and then it writes nothing).
"""

from __future__ import annotations

import _report  # pins the threads before NumPy reads them

# isort: split
import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from structlin.solvers import (
    HeatEquation2D,
    RelaxationLayer,
    Solution,
    TsallisINF,
    cg,
    sor,
    ssor_cg,
)

RESULTS = Path(__file__).parent / "results"
OMEGAS = np.linspace(1, 1.95, 20).tolist()
SOLVERS: dict[str, Callable[..., Solution]] = {
    "SOR, red-black": functools.partial(sor, ordering="red-black"),
    "SOR, lexicographic": functools.partial(sor, ordering="lexicographic"),
    "SSOR-CG": functools.partial(ssor_cg, sweep_order="backward-forward"),
}


def tsallis_inf(estimator: Any) -> Callable[[int], TsallisINF]:
    """Return what makes a learner of the grid's parameters for a seed."""
    return lambda seed: TsallisINF(OMEGAS, estimator=estimator, least=1, rng=seed)


LEARNERS: dict[str, Callable[[int], TsallisINF] | None] = {
    "Tsallis-INF, importance-weighted": tsallis_inf("importance-weighted"),
    "Tsallis-INF, reduced-variance": tsallis_inf("reduced-variance"),
    "the default learner": None,
}


def best_of_every_step(solver: Callable[..., Solution]) -> Callable[..., Solution]:
    """Return a solver that tries the whole grid and returns the cheapest solution."""

    def solve(A: Any, b: Any, **options: Any) -> Solution:
        tries = (solver(A, b, omega=omega, **options) for omega in OMEGAS)
        return min(tries, key=lambda solution: solution.iterations)

    return solve


def study(nx: int, steps: int, seeds: int) -> dict[str, Any]:
    """Return the iterations of all runs, by solver."""
    heat = HeatEquation2D(nx)

    def total(solver: Any) -> int:
        run = heat.run(steps, solver, progress=False)
        if not run.converged:
            raise ArithmeticError(f"{solver} did not converge in every step")
        bar.update()
        return int(run.iterations.sum())

    content: dict[str, Any] = {"nx": nx, "steps": steps, "omegas": OMEGAS}
    runs = 1 + len(SOLVERS) * (len(OMEGAS) + 1 + len(LEARNERS) * seeds)
    with tqdm(total=runs, unit="run") as bar:
        content["cg"] = total(cg)
        for name, solver in SOLVERS.items():
            content[name] = {
                "fixed": [total(functools.partial(solver, omega=omega)) for omega in OMEGAS],
                "every step": total(best_of_every_step(solver)),
            }
            for label, make in LEARNERS.items():
                content[name][label] = [
                    total(RelaxationLayer(solver, learner=make and make(seed), rng=seed))
                    for seed in range(seeds)
                ]
    return content


def markdown(content: dict[str, Any]) -> str:
    """Tell the study as a table; percentages are relative to ω = 1."""
    names = list(SOLVERS)
    lines = [
        f"# Heat equation, nx = {content['nx']}, {content['steps']} steps: iterations in all",
        "",
        "Each step starts from the one before and ends at ‖r‖ ≤ 1e-8 ‖b‖. In brackets: relative to "
        f"ω = 1 of the same solver. CG without preconditioner takes {content['cg']:,}.",
        "",
        f"| | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]

    def row(label: str, counts: Callable[[dict[str, Any]], Any]) -> str:
        cells = []
        for name in names:
            values = np.atleast_1d(counts(content[name])) * 1.0
            base = content[name]["fixed"][0]
            cell = f"{values.mean():,.0f} ({values.mean() / base:.3f}"
            spread = f"; {values.min() / base:.3f} to {values.max() / base:.3f}"
            cells.append(cell + (spread if values.size > 1 else "") + ")")
        return f"| {label} | {' | '.join(cells)} |"

    for k, omega in enumerate(content["omegas"]):
        lines.append(row(f"ω = {omega:.2f}", lambda counts, k=k: counts["fixed"][k]))
    lines.append(row("best fixed ω", lambda counts: min(counts["fixed"])))
    lines.append(row("best ω of every step", lambda counts: counts["every step"]))
    for label in LEARNERS:
        lines.append(row(f"learned by {label}", lambda counts, label=label: counts[label]))
    seeds = len(content[names[0]][label])
    lines += [
        "",
        f"Learned: mean of {seeds} seeds, and their range. No learner is told the time "
        "or the conductivity; the default one looks at the matrix.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the study; write it if it is the full one."""
    parser = argparse.ArgumentParser(description=__doc__)
    full = {"nx": 25, "steps": 5000, "seeds": 5}
    for name, default in full.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = vars(parser.parse_args())
    content = study(**asked)
    table = markdown(content)
    print(table)
    if asked == full:
        content["machine"] = _report.machine()
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (RESULTS / "heat.json").write_text(text + "\n", encoding="utf-8")
        (RESULTS / "heat.md").write_text(table, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
