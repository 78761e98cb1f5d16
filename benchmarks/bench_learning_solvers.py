"""The solvers that have something to learn: SSOR-CG by Eisenstat's trick, lines, blocks, Jacobi."""

import functools
import sys
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.sparse.linalg

from structlin.matrices import GridOperator
from structlin.solvers import (
    Solution,
    block_coordinate_descent,
    cg,
    jacobi,
    line_sor,
    omega_young,
    sor,
    splitting_numbers,
    ssor_cg,
    ssor_cg_iteration_bound,
)
from structlin.solvers._solution import quiet
from structlin.solvers.relaxation._systems import system

try:
    import pyamg
except ImportError:
    pyamg = None

SOME = 12  # iterations in one call
# m x m points, upper sweep first: the MATLAB code that accompanies Khodak, Chow, Balcan
# and Talwalkar, "Learning to relax" (ICLR 2024), run unchanged under Octave
OMEGAS = (1.0, 1.2, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95)
COUNTS = {
    (10, "ones"): (13, 12, 13, 13, 13, 14, 15, 16, 17),
    (10, "cosines"): (14, 13, 11, 12, 13, 15, 16, 18, 18),
    (31, "ones"): (33, 28, 24, 22, 22, 21, 23, 27, 31),
    (31, "cosines"): (34, 29, 24, 22, 21, 21, 21, 27, 30),
}


def plain_ssor_cg(A: Any, b: Any, omega: float, maxiter: int) -> Any:
    """Return the iterate of preconditioned conjugate gradients with the same preconditioner."""
    prepared = system(A, b, None, "lexicographic")

    def precondition(r: Any) -> Any:
        return prepared.ssor(r.reshape(prepared.b.shape), omega).reshape(r.shape)

    return quiet(cg)(A, b, preconditioner=precondition, maxiter=maxiter).x


def counts(record: harness.Record) -> None:
    """Compare the counts of SSOR-CG with the table, and the bound of theory with the counts."""
    worst = 0
    for (m, name), expected in COUNTS.items():
        A = GridOperator.laplacian((m, m))
        b = np.ones(m * m) if name == "ones" else np.cos(np.arange(1.0, m * m + 1.0))
        solve = functools.partial(ssor_cg, A, b, sweep_order="backward-forward")
        found = [solve(omega=omega).iterations for omega in OMEGAS]
        worst = max(worst, *(abs(a - b) for a, b in zip(found, expected, strict=True)))
    record.figure("SSOR-CG, largest difference from the table", worst, "iterations", at_most=1)
    rng = np.random.default_rng(5)
    A = GridOperator.diffusion(np.exp(rng.standard_normal((60, 60))))
    b = rng.standard_normal(3600)
    known = splitting_numbers(A, rng=1)
    every = np.linspace(0.9, 1.95, 22)
    taken = [ssor_cg(A, b, omega=omega).iterations for omega in every]
    bounded = [ssor_cg_iteration_bound(known, omega, 1e-8) for omega in every]
    record.figure(
        "SSOR-CG, rough coefficients: count over bound, at most",
        max(a / b for a, b in zip(taken, bounded, strict=True)),
        "",
        at_most=1.0,
    )
    record.figure(
        "SSOR-CG, rough coefficients: ω of the bound over the best of 22",
        ssor_cg(A, b, omega=min(known.omega, 1.99)).iterations / min(taken),
        "",
    )


def eisenstat(record: harness.Record, m: int, kind: str, seconds: float) -> None:
    """Race the two forms of SSOR-CG, and SciPy with PyAMG's symmetric sweep."""
    n = m * m
    rng = np.random.default_rng(1)
    uniform = kind == "constant coefficients"
    A = GridOperator.laplacian((m, m))
    if not uniform:
        A = GridOperator.diffusion(rng.uniform(0.1, 2.0, (m, m)))
    b, omega = rng.standard_normal(n), 2 / (1 + 2 * np.sin(np.pi / (2 * m + 2)))
    rows = A.tosparse()
    rows = scipy.sparse.csr_matrix((rows.data, rows.indices.astype("i4"), rows.indptr.astype("i4")))
    solve = quiet(ssor_cg)
    contestants = {
        "ssor_cg": lambda: solve(A, b, omega=omega, maxiter=SOME).x,
        "with a product and `ssor`": lambda: plain_ssor_cg(A, b, omega, SOME),
        "ssor_cg, sparse rows": lambda: solve(rows, b, omega=omega, maxiter=SOME).x,
        "with a product and `ssor`, sparse rows": lambda: plain_ssor_cg(rows, b, omega, SOME),
    }
    if pyamg is None:
        record.missing("pyamg")
    else:

        def sweep(r: Any) -> Any:
            z = np.zeros(n)
            pyamg.relaxation.relaxation.sor(rows, z, r, omega, iterations=1, sweep="symmetric")
            return z

        M = scipy.sparse.linalg.LinearOperator((n, n), sweep, dtype=float)
        contestants["SciPy with PyAMG's sor"] = lambda: scipy.sparse.linalg.cg(
            rows, b, rtol=1e-8, maxiter=SOME, M=M
        )[0]
    record.race(
        f"SSOR-CG, {m}², {kind}: one iteration",
        contestants,
        units=dict.fromkeys(contestants, SOME),
        limits={
            # p read and written, r read, t written; p and t read, u written; x and r read and
            # written, t and u read
            "update, 13 vectors": harness.bandwidth("update", 104 * n, 40 * n, ["ssor_cg"]),
        },
        bars=[("ssor_cg", "with a product and `ssor`", 1.0)],
        seconds=seconds,
    )


def sweeps(record: harness.Record, m: int) -> None:
    """Race one sweep of each method with the peer's."""
    n = m * m
    A = GridOperator.diffusion(np.random.default_rng(1).uniform(0.1, 2.0, (m, m)))
    rows = A.tosparse()
    b = np.random.default_rng(2).standard_normal(n)

    def some(solver: Any, matrix: Any, **options: Any) -> Any:
        return lambda: quiet(solver)(matrix, b, maxiter=SOME, **options).x

    contestants = {
        "line_sor": some(line_sor, A, omega=1.5, axis=1),
        "sor, red-black": some(sor, A, omega=1.5),
        "jacobi": some(jacobi, A, omega=0.8),
        "jacobi, sparse rows": some(jacobi, rows, omega=0.8),
    }
    if pyamg is not None:
        relaxation = pyamg.relaxation.relaxation
        narrow = scipy.sparse.csr_matrix(rows)
        x = np.zeros(n)
        contestants["PyAMG jacobi"] = lambda: relaxation.jacobi(narrow, x, b, SOME, 0.8)
    record.race(
        f"{m}², one sweep with its norm (and the solver's start over {SOME})",
        contestants,
        units=dict.fromkeys(contestants, SOME),
        seconds=30.0,
    )


def solutions(record: harness.Record, m: int) -> None:
    """Race whole solutions where one axis is a hundred times as strong."""
    A = GridOperator.laplacian((m, m), weights=(1.0, 100.0))
    rows, b = A.tosparse(), np.ones(m * m)
    c, s = np.cos(np.pi / (m + 1)), 100.0
    by_points = omega_young(c)
    by_lines = omega_young(c / (1 + s - s * c))  # of the block Jacobi iteration
    solve: dict[str, Any] = {
        "line_sor": lambda: line_sor(A, b, omega=by_lines),
        "sor, red-black": lambda: sor(A, b, omega=by_points),
        "descent by trees": lambda: block_coordinate_descent(rows, b, omega=by_points),
        "descent by rows of the grid": lambda: block_coordinate_descent(
            rows, b, blocks=m, omega=by_lines
        ),
        "ssor_cg": lambda: ssor_cg(A, b, omega=1.5),
    }

    def iterate(run: Any) -> Any:
        solution: Solution = run()
        return solution.x

    record.race(
        f"{m}², weights 1 and 100, to 1e-8 (Young's ω; SSOR-CG: 1.5)",
        {name: functools.partial(iterate, run) for name, run in solve.items()},
        agree=1e-5,
        seconds=60.0,
    )
    for name, run in solve.items():
        record.figure(f"{m}², weights 1 and 100: iterations of {name}", run().iterations, "")


def main() -> int:
    """Measure everything, and write the record."""
    record = harness.Record("learning_solvers", "Solvers behind the learned parameters, float64")
    counts(record)
    eisenstat(record, 1024, "constant coefficients", 60.0)
    eisenstat(record, 1024, "variable coefficients", 60.0)
    eisenstat(record, 24, "constant coefficients", 20.0)
    sweeps(record, 1024)
    solutions(record, 128)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
