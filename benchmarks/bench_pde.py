"""Elliptic solvers and the heat equation beside sparse LU, PyAMG, py-pde and bare transforms."""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import problems_pde as problems
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from structlin.bases import Grid, legendre
from structlin.matrices import GridOperator
from structlin.solvers import (
    ConvectionDiffusion,
    LegendreGalerkin,
    Poisson,
    UltrasphericalADI,
    refine,
    residual_norm,
)
from structlin.solvers.elliptic._legendre_line import (
    legendre_line,
    legendre_points,
    legendre_values,
)
from structlin.solvers.evolution import evolve, heat_equation

try:
    import pyamg
except ImportError:
    pyamg = None
try:
    import pde
except ImportError:
    pde = None

SQUARE = [(-1.0, 1.0), (-1.0, 1.0)]
UNIT = [(0.0, 1.0), (0.0, 1.0)]


def even(n: int, box: Any = SQUARE, d: int = 2) -> Grid:
    """Return a grid with ``n`` unknowns along every axis between nodes on the sides."""
    return Grid.uniform(box[:1] * d, n + 2)


def stencil(n: int, d: int = 2) -> Any:
    """Return the sparse matrix of the unknowns of `even`, on ``[−1, 1]^d``."""
    A = GridOperator.laplacian((n,) * d).tosparse() * ((n + 1) / 2) ** 2
    A = scipy.sparse.csr_matrix(A)
    return scipy.sparse.csr_matrix((A.data, A.indices.astype("i4"), A.indptr.astype("i4")), A.shape)


def error(u: Any, exact: Any) -> float:
    return float(np.linalg.norm(u - exact) / np.linalg.norm(exact))


def seconds(run: Callable[[], Any], rounds: int = 5) -> float:
    """Return the shortest of a few times, after one call."""
    run()
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return min(found)


def exponent(record: harness.Record, name: str, sizes: Any, times: Any, bar: float) -> None:
    """Record the slope of the logarithms of times over those of sizes."""
    slope = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    record.figure(f"{name}: exponent", slope, at_most=bar)
    for size, t in zip(sizes, times, strict=True):
        record.figure(f"{name}, {size}", 1e3 * t, "ms")


def fast_poisson(record: harness.Record, n: int, d: int = 2, peers: bool = True) -> None:
    """Race the fast solver, all of whose numbers are in use, with peers and bare transforms."""
    grid = even(n, d=d)
    F, exact = (problems.wave if d == 2 else problems.product)(grid)
    inner = (slice(1, -1),) * d
    right = np.ascontiguousarray(F[inner])
    ready = Poisson(grid)
    symbol = ready.modes.eigenvalues
    found = {}

    def bare() -> Any:
        C = scipy.fft.dstn(right, type=1, norm="ortho", workers=1)
        C /= symbol
        return scipy.fft.idstn(C, type=1, norm="ortho", workers=1, overwrite_x=True)

    def kept(name: str, x: Any) -> None:
        found[name] = x

    contestants = {
        "structlin, solve": lambda: kept("structlin", ready.solve(F)[inner]),
        "structlin, set-up and solve": lambda: kept("structlin", Poisson(grid).solve(F)[inner]),
        "bare scipy DST pair": lambda: kept("bare", bare()),
    }
    bars = [("structlin, solve", "bare scipy DST pair", 1 / 1.2)] if n >= 1023 else []
    if peers:
        matrix = stencil(n, d)
        b = right.reshape(-1)
        if pyamg is None:
            record.missing("PyAMG")
        else:
            prepared = pyamg.ruge_stuben_solver(matrix)
            contestants["PyAMG, solve"] = lambda: kept(
                "PyAMG", prepared.solve(b, tol=1e-8, accel="cg").reshape(right.shape)
            )
            contestants["PyAMG, set-up and solve"] = lambda: kept(
                "PyAMG",
                pyamg.ruge_stuben_solver(matrix)
                .solve(b, tol=1e-8, accel="cg")
                .reshape(right.shape),
            )
            bars.append(("structlin, set-up and solve", "PyAMG, set-up and solve", 10.0))
        if n**d <= 2**16:
            factors = scipy.sparse.linalg.splu(matrix.tocsc())
            contestants["splu, solve"] = lambda: kept("splu", factors.solve(b).reshape(right.shape))
            contestants["splu, set-up and solve"] = lambda: kept(
                "splu", scipy.sparse.linalg.splu(matrix.tocsc()).solve(b).reshape(right.shape)
            )
        if pde is None:
            record.missing("py-pde")
        elif d == 2 and n <= 128:
            field = pde.ScalarField(pde.CartesianGrid(SQUARE, [n, n]), -right)
            contestants["py-pde"] = lambda: pde.solve_poisson_equation(field, bc={"value": 0}).data
            bars.append(("structlin, set-up and solve", "py-pde", 20.0))
    title = f"Poisson, {'x'.join([str(n)] * d)}, second differences"
    moved = 16.0 * n**d  # what has to be read and written
    limit = harness.bandwidth("update", moved=moved, footprint=moved, binds=list(contestants))
    record.race(title, contestants, bars=bars, limits={"memory": limit}, rounds=9, seconds=40)
    for name, x in found.items():
        record.figure(f"{title}: error, {name}", error(x, exact[inner]))


def orders(record: harness.Record) -> None:
    """Record the order of second differences, and how the time of transforms grows."""
    errors = []
    for n in (63, 127, 255):
        grid = even(n)
        F, exact = problems.wave(grid)
        errors.append(error(Poisson(grid).solve(F), exact))
    for k in (0, 1):
        order = float(np.log2(errors[k] / errors[k + 1]))
        name = f"order of second differences, {64 * 2**k}² to {128 * 2**k}²"
        record.figure(name, order, at_least=1.95, at_most=2.05)
    sizes, times = [], []
    for n in (127, 255, 511, 1023):
        grid = even(n)
        F, _ = problems.wave(grid)
        ready = Poisson(grid)
        sizes.append(n * n)
        times.append(seconds(lambda ready=ready, F=F: ready.solve(F)))
    exponent(record, "fast Poisson over the unknowns", sizes, times, 1.25)


def fresh(n: int) -> LegendreGalerkin:
    """Set up anew, with nothing kept from before."""
    legendre_line.cache_clear()
    legendre_points.cache_clear()
    legendre_values.cache_clear()
    legendre._gauss_reference.cache_clear()
    solver = LegendreGalerkin(Grid.legendre(SQUARE, n))
    solver.modes.matrices(solver.grid.dtype)
    return solver


def spectral(record: harness.Record) -> None:
    """Record errors and set-up of polynomials, and race them with bare products of matrices."""
    for d, sizes in ((2, (24, 32, 64, 128, 256)), (3, (24, 32, 64))):
        for n in sizes:
            grid = Grid.legendre(SQUARE[:1] * d, n)
            F, exact = (problems.wave if d == 2 else problems.product)(grid)
            value = error(LegendreGalerkin(grid).solve(F), exact)
            record.figure(f"Legendre-Galerkin, {n} points, {d} axes: error", value, at_most=1e-14)
    sizes, times = (128, 256, 512, 1024), []
    for n in sizes:
        times.append(seconds(lambda n=n: fresh(n), 3))
    exponent(record, "Legendre-Galerkin, set-up over points of an axis", sizes, times, 2.2)
    for n in (24, 256):
        grid = Grid.legendre(SQUARE, n)
        F, _ = problems.wave(grid)
        ready = LegendreGalerkin(grid)
        A, out = np.random.default_rng(0).standard_normal((n, n)), np.empty((n, n))

        def four(A: Any = A, F: Any = F, out: Any = out) -> None:
            for _ in range(4):
                np.matmul(A, F, out=out)

        contestants = {
            "Legendre-Galerkin, solve": lambda ready=ready, F=F: ready.solve(F),
            "four bare GEMMs": four,
        }
        if n == 256:
            other = UltrasphericalADI(Grid.chebyshev(SQUARE, n))
            G, _ = problems.wave(other.grid)
            contestants["UltrasphericalADI, solve"] = lambda other=other, G=G: other.solve(G)
            contestants["Legendre-Galerkin, set-up and solve"] = lambda F=F: fresh(256).solve(F)
        flops = 4.0 * n * (n - 2) * (2 * n - 2)
        limits = {"gemm": harness.gemm(flops, size=n, binds=["Legendre-Galerkin, solve"])}
        bars = [("Legendre-Galerkin, solve", "four bare GEMMs", 0.5)] if n == 256 else []
        record.race(f"Legendre polynomials, {n}²", contestants, limits=limits, bars=bars, rounds=15)
    k = np.arange(1, 60, 2)
    centre = 0.5 - 16 / np.pi**3 * np.sum((-1.0) ** (k // 2) / (k**3 * np.cosh(k * np.pi / 2)))
    for n in (25, 49, 97):  # Δu = 0 at the corners, where f = 1: a power of n, no exponential
        u = LegendreGalerkin(Grid.legendre(SQUARE, n)).solve(np.ones((n, n)))[n // 2, n // 2]
        record.figure(f"Legendre-Galerkin, {n}², f = 1: error at the centre", abs(u / centre - 1))
    for n in (64, 256):
        other = UltrasphericalADI(Grid.chebyshev(SQUARE, n))
        F, exact = problems.wave(other.grid)
        record.figure(f"UltrasphericalADI, {n}²: error", error(other.solve(F), exact))
        record.figure(f"UltrasphericalADI, {n}²: sweeps", other.iterations)


def variable(record: harness.Record) -> None:
    """Record iterations with variable coefficients, and race them with PyAMG."""
    for name, coefficient, bar in (
        ("jumps 3:12", problems.jumps, 25),
        ("smooth lognormal", problems.lognormal, 12),
        ("rough lognormal", problems.rough_lognormal, None),
    ):
        for n in (64, 128, 256, 512, 1024):
            grid = Grid.uniform(UNIT, n + 1)
            solver = Poisson(grid, coef=coefficient(grid), rtol=1e-8)
            found = solver.solution(np.ones(grid.shape))
            record.figure(
                f"{name}, {n}²: iterations, {solver.method}", found.iterations, at_most=bar
            )
    grid = Grid.uniform(UNIT, 257)
    a, F = problems.jumps(grid), np.ones(grid.shape)
    ready = Poisson(grid, coef=a, rtol=1e-8)
    contestants: dict[str, Callable[[], Any]] = {
        "structlin, set-up and solve": lambda: Poisson(grid, coef=a, rtol=1e-8).solve(F),
        "structlin, solve": lambda: ready.solve(F),
    }
    bars = []
    if pyamg is not None:
        faces = [
            2 / (1 / a[1:, 1:-1] + 1 / a[:-1, 1:-1]),
            2 / (1 / a[1:-1, 1:] + 1 / a[1:-1, :-1]),
        ]
        matrix = five_point(*faces) * 256.0**2
        b = np.ones(matrix.shape[0])
        contestants["PyAMG, set-up and solve"] = lambda: pyamg.ruge_stuben_solver(matrix).solve(
            b, tol=1e-8, accel="cg"
        )
        contestants["splu, set-up and solve"] = lambda: scipy.sparse.linalg.splu(
            matrix.tocsc()
        ).solve(b)
        bars.append(("structlin, set-up and solve", "PyAMG, set-up and solve", 1.0))
    record.race("jumps 3:12, 256²", contestants, bars=bars, rounds=7, seconds=30)
    exact = ready.solve(F)
    L = lambda u: -ready.residual(u, 0 * u)  # noqa: E731
    bump = grid.evaluate(lambda x, y: np.sin(3 * np.pi * x) * np.sin(2 * np.pi * y))
    guess = exact + 0.02 * np.max(exact) * bump
    better = refine(L, guess, F, grid=grid)
    first, last = (error(u, exact) for u in (guess, better.u))
    record.figure("jumps 3:12, refinement: error before, over that after one step", first / last)
    contestants = {
        "refine": lambda: refine(L, guess, F, grid=grid),
        "residual_norm": lambda: residual_norm(L, guess, F, grid=grid),
        "solve": lambda: ready.solve(F),
    }
    record.race("256²: one refinement beside a solve", contestants, rounds=9)


def five_point(x: Any, y: Any) -> Any:
    """Return the matrix of ``−∇·(a ∇)`` with the coefficients on faces across every axis."""
    m, n = x.shape[0] - 1, y.shape[1] - 1
    index = np.arange(m * n).reshape(m, n)
    diagonal = x[:-1] + x[1:] + y[:, :-1] + y[:, 1:]
    rows = [index, index[1:], index[:-1], index[:, 1:], index[:, :-1]]
    columns = [index, index[:-1], index[1:], index[:, :-1], index[:, 1:]]
    values = [diagonal, -x[1:-1], -x[1:-1], -y[:, 1:-1], -y[:, 1:-1]]
    flat = [np.concatenate([each.reshape(-1) for each in part]) for part in (values, rows, columns)]
    return scipy.sparse.csr_matrix((flat[0], (flat[1].astype("i4"), flat[2].astype("i4"))))


def convection(record: harness.Record) -> None:
    """Race Schur forms with sparse LU on an equation that is not symmetric."""
    n = 256
    grid = even(n, UNIT)
    F = np.random.default_rng(0).standard_normal(grid.shape)
    ready = ConvectionDiffusion(grid, convection=[40.0, -20.0])
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    slope = scipy.sparse.diags_array([-0.5, 0.5], offsets=[-1, 1], shape=(n, n))
    h, eye = 1 / (n + 1), scipy.sparse.eye_array(n)
    A = scipy.sparse.csc_matrix(
        scipy.sparse.kron(line / h**2 + 40.0 * slope / h, eye)
        + scipy.sparse.kron(eye, line / h**2 - 20.0 * slope / h)
    )
    b = F[1:-1, 1:-1].reshape(-1)
    factors = scipy.sparse.linalg.splu(A)

    def fresh() -> Any:
        solver = ConvectionDiffusion(grid, convection=[40.0, -20.0])
        return solver.solve(F)[1:-1, 1:-1]

    contestants = {
        "structlin, solve": lambda: ready.solve(F)[1:-1, 1:-1],
        "structlin, set-up and solve": fresh,
        "splu, solve": lambda: factors.solve(b),
        "splu, set-up and solve": lambda: scipy.sparse.linalg.splu(A).solve(b),
    }
    record.race("convection and diffusion, 256²", contestants, rounds=7, seconds=20, agree=1e-8)


def diffusion(record: harness.Record) -> None:
    """Race a hundred steps of Crank and Nicolson at once with sparse LU."""
    n, steps, T = 255, 100, 0.05
    grid = even(n, UNIT)
    start = np.array(grid.evaluate(lambda x, y: x * (1 - x) * np.sin(np.pi * y) * np.exp(x)))
    equation, half = heat_equation(grid), T / steps / 2
    A = stencil(n) * 4.0  # of the unit square
    eye = scipy.sparse.eye_array(n * n)
    right = scipy.sparse.csr_matrix(eye - half * A)

    def factored() -> Any:
        factors = scipy.sparse.linalg.splu(scipy.sparse.csc_matrix(eye + half * A))
        u = start[1:-1, 1:-1].reshape(-1)
        for _ in range(steps):
            u = factors.solve(right @ u)
        return u

    def at_once() -> Any:
        run = evolve(equation, start, T, dt=T / steps, method="cnab2", progress=False)
        return run.u[1:-1, 1:-1]

    record.race(
        f"heat, {n}², {steps} steps of Crank-Nicolson",
        {"at once": at_once, "splu, factored once": factored},
        bars=[("at once", "splu, factored once", 10.0)],
        rounds=5,
        seconds=20,
        agree=1e-10,
    )


def main() -> int:
    warnings.simplefilter("ignore")  # py-pde and PyAMG warn of what is not ours
    record = harness.Record("pde", "Elliptic equations and the heat equation, float64")
    fast_poisson(record, 128)
    fast_poisson(record, 255)
    fast_poisson(record, 1023)
    fast_poisson(record, 63, d=3)
    orders(record)
    spectral(record)
    variable(record)
    convection(record)
    diffusion(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
