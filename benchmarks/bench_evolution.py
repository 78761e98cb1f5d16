"""Evolution in time beside bare FFTs, SciPy's integrators, py-pde, and steps one by one."""

import sys
import warnings
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft
import scipy.integrate

from structlin.bases import Grid
from structlin.solvers.evolution import (
    PeacemanRachford,
    burgers,
    evolve,
    heat_equation,
    kuramoto_sivashinsky,
    navier_stokes,
)

try:
    import pde
except ImportError:
    pde = None


def periodic(n: int, length: float, d: int = 1) -> Grid:
    return Grid.uniform([(0, length)] * d, n, kind="periodic")


def batches(record: harness.Record) -> None:
    """Race steps of samples with the FFTs alone that they need."""
    rng = np.random.default_rng(0)
    samples, n, steps = 64, 512, 20
    line = periodic(n, 1.0)
    waves = 2 * np.pi * np.arange(1, 9)[:, None] * line.axes[0]
    starts = rng.standard_normal((samples, 8)) @ np.sin(waves) / 8

    def transforms() -> Any:
        u = starts
        for _ in range(4 * steps):
            u = scipy.fft.irfft(scipy.fft.rfft(u), n)
        return u

    record.race(
        f"Burgers, {samples} samples of {n}, {steps} steps of ETDRK4",
        {
            "structlin": lambda: (
                evolve(burgers(line, 0.025), starts, 0.05, dt=0.05 / steps, progress=False).u
            ),
            "8 FFTs a step, bare": transforms,
        },
        rounds=7,
        seconds=20,
    )
    samples, n, steps = 8, 64, 10
    square = periodic(n, 2 * np.pi, 2)
    x, y = square.mesh()
    vortices = np.stack([np.cos(x + k * y) + np.sin(2 * x) * np.cos(y - k) for k in range(samples)])
    equation = navier_stokes(square, 1 / 40, forcing=0.1 * np.array(vortices))

    def transforms_of_planes() -> Any:
        u = np.concatenate([vortices, vortices])
        for _ in range(4 * steps):
            u = scipy.fft.irfft2(scipy.fft.rfft2(u), s=(n, n))
        return u

    record.race(
        f"Navier-Stokes, {samples} samples of {n}², {steps} steps of ETDRK4",
        {
            "structlin": lambda: evolve(equation, vortices, 0.2, dt=0.2 / steps, progress=False).u,
            "16 FFTs a step, bare": transforms_of_planes,
        },
        rounds=7,
        seconds=20,
    )


def stiff(record: harness.Record) -> None:
    """Race the equation of Kuramoto and Sivashinsky with integrators of SciPy, at equal errors."""
    n, T = 256, 20.0
    line = periodic(n, 32 * np.pi)
    start = line.evaluate(lambda x: np.cos(x / 16) * (1 + np.sin(x / 16)))
    equation = kuramoto_sivashinsky(line)
    exact = evolve(equation, start, T, dt=0.01, progress=False).u
    L, c0 = equation.linear, equation.space.to_modes(start)

    def slopes(t: float, w: Any) -> Any:
        c = np.ascontiguousarray(w).view(complex)
        return (L * c + equation.nonlinear(c, t)).view(float)

    def integrated(method: str, rtol: float) -> Any:
        run = scipy.integrate.solve_ivp(
            slopes, (0, T), c0.view(float), method=method, rtol=rtol, atol=1e-6, t_eval=[T]
        )
        return equation.space.from_modes(np.ascontiguousarray(run.y[:, 0]).view(complex))

    contestants = {
        "structlin, ETDRK4": lambda: evolve(equation, start, T, dt=0.25, progress=False).u,
        "SciPy, BDF": lambda: integrated("BDF", 1e-6),
        "SciPy, RK45": lambda: integrated("RK45", 1e-4),
    }
    record.race(f"Kuramoto-Sivashinsky, {n} points to t=20", contestants, rounds=3, seconds=60)
    for name, run in contestants.items():
        record.figure(
            f"Kuramoto-Sivashinsky: relative error of {name}",
            float(np.max(np.abs(run() - exact)) / np.max(np.abs(exact))),
        )


def diffusion(record: harness.Record) -> None:
    """Race a hundred steps of Crank and Nicolson at once with all ways to make them one by one."""
    n, steps, T = 255, 100, 0.05
    grid = Grid.uniform([(0.0, 1.0)] * 2, n + 2)
    start = np.array(grid.evaluate(lambda x, y: x * (1 - x) * np.sin(np.pi * y) * np.exp(x)))
    equation, h = heat_equation(grid), T / steps
    modes, z = equation.space.modes, h / 2 * equation.space.eigenvalues
    factor = (1 - z) / (1 + z)
    directions = PeacemanRachford(grid, h)

    def at_once(method: Any = "cnab2") -> Any:
        return evolve(equation, start, T, dt=h, method=method, progress=False).u

    def transforms() -> Any:
        u = start
        for _ in range(steps):
            u = modes.from_modes(factor * modes.to_modes(u))
        return u

    record.race(
        f"heat, {n}², {steps} steps",
        {
            "Crank-Nicolson at once": at_once,
            "BDF2 at once": lambda: at_once("sbdf2"),
            "Crank-Nicolson, transforms in every step": transforms,
            "Peaceman-Rachford": lambda: directions.run(start, steps),
        },
        bars=[("Crank-Nicolson at once", "Crank-Nicolson, transforms in every step", 10.0)],
        rounds=5,
        seconds=20,
    )
    one, other = at_once(), transforms()
    record.figure(
        "heat: at once, off from steps",
        float(np.max(np.abs(one - other)) / np.max(other)),
        at_most=1e-12,
    )


def peer(record: harness.Record) -> None:
    """Race Burgers' equation with py-pde, one sample on 256 points."""
    if pde is None:
        record.missing("py-pde")
        return
    n, nu, T = 256, 0.02, 0.5
    line = periodic(n, 1.0)
    start = np.sin(2 * np.pi * line.axes[0])
    grid = pde.CartesianGrid([[0, 1]], n, periodic=True)
    # values of py-pde stand in the middle of cells
    middles = pde.ScalarField(grid, np.sin(2 * np.pi * grid.axes_coords[0]))
    theirs = pde.PDE({"u": f"-u * d_dx(u) + {nu} * laplace(u)"})

    def solved() -> Any:
        return theirs.solve(
            middles, t_range=T, dt=1e-5, adaptive=True, tracker=None, solver="runge-kutta"
        ).data

    record.race(
        f"Burgers, one sample of {n} to t={T}",
        {
            "structlin, ETDRK4": lambda: (
                evolve(burgers(line, nu), start, T, dt=T / 100, progress=False).u
            ),
            "py-pde, adaptive Runge-Kutta": solved,
        },
        rounds=3,
        seconds=60,
    )


def main() -> int:
    warnings.simplefilter("ignore")  # py-pde warns of what is not ours
    record = harness.Record("evolution", "Evolution in time, float64")
    batches(record)
    stiff(record)
    diffusion(record)
    peer(record)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
