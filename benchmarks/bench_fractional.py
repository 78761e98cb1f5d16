"""Riesz fractional diffusion: iterations, time by size, orders; Levinson's recursion beside it."""

import math
import sys
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.linalg
from scipy.special import hyp1f1

from structlin.bases import Grid
from structlin.solvers import RieszCollocation, RieszDiffusion, cg

ALPHAS = (1.2, 1.5, 1.8)
SHAPES = {"2¹⁸": (2**18,), "512²": (512, 512), "64³": (64, 64, 64)}


def problem(shape: tuple[int, ...], alpha: float, **options: Any) -> tuple[RieszDiffusion, Any]:
    grid = Grid.uniform([(0, 1)] * len(shape), [n + 2 for n in shape])
    return RieszDiffusion(grid, alpha, **options), np.ones(grid.shape)


def transforms(shape: tuple[int, ...], iterations: int) -> harness.Limit:
    """Return the time of the transforms of these iterations: of sines, and of doubled axes."""
    x = np.ones(shape)
    doubled = [np.ones((*shape[:-1], 2 * (shape[-1] + 1))) for _ in shape]

    def run() -> Any:
        for _ in range(iterations):
            y = scipy.fft.dstn(scipy.fft.dstn(x, type=1), type=1)
            for z in doubled:
                y = scipy.fft.irfft(scipy.fft.rfft(z))
        return y

    return harness.Limit(run, 1.0, binds=[])


def laplacian_of_gaussian(x: Any, alpha: float) -> Any:
    middle = 2**alpha * math.gamma((1 + alpha) / 2) / math.sqrt(math.pi)
    return middle * hyp1f1((1 + alpha) / 2, 0.5, -(x**2))


def main() -> int:
    record = harness.Record("fractional", "Riesz fractional diffusion, tolerance 1e-8, float64")
    for name, shape in SHAPES.items():
        for alpha in ALPHAS:
            for scheme in ("centred", "grunwald"):
                riesz, F = problem(shape, alpha, scheme=scheme, preconditioner="sine")
                label = f"iterations, {name} unknowns, α = {alpha}, {scheme}"
                record.figure(label, riesz.solution(F).iterations, at_most=15)
            splines = RieszCollocation(
                [(0, 1)] * len(shape), shape, alpha, degree=3, preconditioner="sine"
            )
            label = f"GMRES iterations, {name} cells, α = {alpha}, cubic splines"
            record.figure(label, splines.solution(np.ones(splines.grid.shape)).iterations)

    riesz, F = problem((2**13 - 1,), 1.5)
    column = riesz.operator.factors[0].column
    record.race(
        "one axis of 2¹³ cells, α = 1.5",
        {
            "structlin": lambda: riesz.solve(F)[1:-1],
            "scipy.linalg.solve_toeplitz": lambda: scipy.linalg.solve_toeplitz(column, F[1:-1]),
            "without a preconditioner": lambda: cg(riesz.operator, F[1:-1], rtol=1e-8).x,
        },
        bars=[("structlin", "scipy.linalg.solve_toeplitz", 5.0)],
        agree=1e-5,
        seconds=30.0,
    )

    times = {}
    for bits in (14, 17, 20):  # the last two beyond the caches
        riesz, F = problem((2**bits - 1,), 1.5)
        steps = riesz.solution(F).iterations
        found = record.race(
            f"one axis of {2**bits} cells, α = 1.5, {steps} iterations",
            {"structlin": lambda riesz=riesz, F=F: riesz.solve(F)},
            limits={"transforms alone": transforms((2**bits - 1,), steps)},
            rounds=7,
            seconds=20.0,
        )
        times[bits] = found["structlin"].median / steps
    growth = math.log2(times[20] / times[17]) / 3
    record.figure("exponent of the time of an iteration, 2¹⁷ to 2²⁰", growth, at_most=1.25)
    riesz, F = problem((511, 511), 1.5, preconditioner="sine")
    direct, _ = problem((511, 511), 1.5)
    steps = riesz.solution(F).iterations
    record.race(
        f"512² cells, α = 1.5, {steps} iterations with sine transforms",
        {
            "structlin, sine transforms": lambda: riesz.solve(F),
            "structlin, eigenvectors prepared": lambda: direct.solve(F),
            "structlin, eigenvectors from the beginning": lambda: problem((511, 511), 1.5)[0].solve(
                F
            ),
        },
        agree=1e-6,
        limits={"transforms alone": transforms((511, 511), steps)},
        rounds=11,
        seconds=20.0,
    )

    y = np.linspace(-7, 7, 999)
    for scheme in ("centred", "grunwald"):
        errors = []
        for n in (257, 513):
            x = np.linspace(-7, 7, n)
            riesz = RieszDiffusion(Grid.uniform([(-7, 7)], n), 1.5, scheme=scheme)
            u = riesz.solve(laplacian_of_gaussian(x, 1.5))
            errors.append(np.max(np.abs(u - np.exp(-(x**2)))))
        order = math.log2(errors[0] / errors[1])
        record.figure(f"order, {scheme}, α = 1.5", order, at_least=1.95, at_most=2.05)
    for degree in (2, 3, 4, 5):
        for alpha in ALPHAS:
            errors = []
            for cells in (256, 512):
                splines = RieszCollocation([(-7, 7)], cells, alpha, degree=degree, rtol=1e-12)
                u = splines.solve(laplacian_of_gaussian(splines.grid.axes[0], alpha))
                errors.append(np.max(np.abs(splines.evaluate(u, y) - np.exp(-(y**2)))))
            order = math.log2(errors[0] / errors[1])
            expected = degree + (2 if degree % 2 == 0 else 1) - alpha
            record.figure(
                f"order less {expected:.1f}, degree {degree}, α = {alpha}",
                order - expected,
                at_least=-0.1,
                at_most=0.1,
            )
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
