"""Multigrid: iterations as grids grow, time beside PyAMG's, and a smoother that learns its ω."""

import sys
from collections.abc import Iterator
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.sparse

from structlin.matrices import GridOperator
from structlin.solvers import Multigrid, Outcome, QuadraticSurrogate
from structlin.solvers._solution import Solution, quiet

try:
    import pyamg
except ImportError:
    pyamg = None

RTOL = 1e-8
OMEGAS = np.linspace(0.7, 1.7, 21)
SOLVES = 500


def blocks(n: int, count: int, contrast: float, rng: np.random.Generator, d: int = 2) -> Any:
    """Return a coefficient that is 1 or the contrast in each block of a box."""
    coarse = np.where(rng.random((count,) * d) < 0.5, 1.0, contrast)
    return np.kron(coarse, np.ones((n // count,) * d))


def problems(n: int) -> dict[str, GridOperator]:
    return {
        "constant": GridOperator.laplacian((n, n)),
        "an inclusion of 1e4": GridOperator.diffusion(inclusion(n)),
        "16 blocks, 1 or 1e4": GridOperator.diffusion(blocks(n, 4, 1e4, np.random.default_rng(0))),
        "64 blocks, 1 or 1e4": GridOperator.diffusion(blocks(n, 8, 1e4, np.random.default_rng(0))),
    }


def inclusion(n: int) -> Any:
    """Return a disk of 1e4 in a background of 1."""
    x = (np.arange(n) + 0.5) / n
    return np.where((x[:, None] - 0.4) ** 2 + (x - 0.55) ** 2 < 0.25**2, 1e4, 1.0)


def growth(record: harness.Record) -> None:
    for n in (128, 256, 512, 1024):
        for name, A in problems(n).items():
            b = np.random.default_rng(1).standard_normal(n * n)
            M = Multigrid(A)
            bar = 15 if n == 1024 else None
            record.figure(f"{n}², {name}: iterations of cg", M.cg(b).iterations, at_most=bar)
            record.figure(f"{n}², {name}: cycles alone", quiet(M.solve)(b).iterations)


def race(record: harness.Record, name: str, A: GridOperator, seconds: float) -> None:
    n = A.shape[0]
    b = np.random.default_rng(1).standard_normal(n)
    matrix = A.tosparse()
    matrix = scipy.sparse.csr_matrix(
        (matrix.data, matrix.indices.astype("i4"), matrix.indptr.astype("i4"))
    )
    ready = Multigrid(A)
    residuals = {}

    def judged(who: str, x: Any) -> Any:
        residuals[who] = float(np.linalg.norm(b - matrix @ x) / np.linalg.norm(b))
        return None

    contestants = {
        "set-up and solve": lambda: judged("ours", Multigrid(A).cg(b, rtol=RTOL).x),
        "set-up": lambda: Multigrid(A) and None,
        "solve": lambda: judged("ours", ready.cg(b, rtol=RTOL).x),
    }
    bars = []
    if pyamg is None:
        record.missing("pyamg")
    else:
        peers = {
            "PyAMG Ruge-Stüben": pyamg.ruge_stuben_solver,
            "PyAMG smoothed aggregation": pyamg.smoothed_aggregation_solver,
        }
        for peer, prepare in peers.items():
            contestants[f"{peer}, set-up and solve"] = lambda peer=peer, prepare=prepare: judged(
                peer, prepare(matrix).solve(b, tol=RTOL, accel="cg", maxiter=100)
            )
            bars.append(("set-up and solve", f"{peer}, set-up and solve", 1.0))
    record.race(name, contestants, bars=bars, rounds=7, seconds=seconds)
    for who, value in residuals.items():
        bar = RTOL * (1 + 1e-6) if who == "ours" else None
        record.figure(f"{name}: relative residual, {who}", value, at_most=bar)


def sequence(d: int) -> Iterator[tuple[Multigrid, Any]]:
    """Yield systems whose coefficient and right-hand side are drawn anew."""
    rng = np.random.default_rng(7)
    n = 64 if d == 2 else 20
    for _ in range(SOLVES):
        A = GridOperator.diffusion(blocks(n, 4, 10.0 ** rng.uniform(0, 4), rng, d))
        yield Multigrid(A), rng.standard_normal(A.shape[0])


def cost(solution: Solution) -> float:
    """Return the cycles, and of the last one what it took to reach the tolerance exactly."""
    norms, target = solution.residual_norms, RTOL * solution.residual_norms[0]
    if not solution.converged:
        return float(solution.iterations)
    last = np.log(norms[-2] / target) / np.log(norms[-2] / norms[-1])
    return float(solution.iterations - 1 + last)


def learned(record: harness.Record, d: int) -> None:
    learner = QuadraticSurrogate((0.7, 1.7), rng=0)
    fixed, total, usual = np.zeros(len(OMEGAS), int), 0, 0
    for M, b in sequence(d):
        play = learner.ask()
        solution = quiet(M.solve)(b, omega=play.value)
        learner.tell(play, Outcome(cost(solution), censored=not solution.converged))
        total += solution.iterations
        usual += quiet(M.solve)(b).iterations
        for k, omega in enumerate(OMEGAS):
            fixed[k] += quiet(M.solve)(b, omega=omega).iterations
    best = int(np.argmin(fixed))
    name = f"smoother's ω in {d} dimensions"
    record.figure(f"{name}: best fixed of {len(OMEGAS)}", float(OMEGAS[best]))
    record.figure(f"{name}: cycles per solve, best fixed", fixed[best] / SOLVES)
    record.figure(f"{name}: cycles per solve, default", usual / SOLVES)
    record.figure(f"{name}: cycles per solve, learned", total / SOLVES)
    record.figure(f"{name}: learned over best fixed", total / fixed[best], at_most=1.05)


def main() -> int:
    record = harness.Record("multigrid", "Multigrid for 5- and 7-point stencils, float64")
    growth(record)
    for name, A in problems(1024).items():
        if "64" not in name:
            race(record, f"1024², {name}", A, 60.0)
    learned(record, 2)
    learned(record, 3)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
