"""``python -m structlin``: a tour, one stop in every wing, each with a number that tells."""

from __future__ import annotations

import argparse
import functools
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import structlin as sl
from structlin import plotting, sketching, tensors
from structlin._commands._arguments import Parser, save, whole, with_picture
from structlin.bases import Grid
from structlin.covariance import Matern, SquaredExponential
from structlin.operators import KernelOperator, LinearOperatorRegression, datasets, relative_errors
from structlin.solvers import (
    KroneckerGP,
    Poisson,
    RelaxationLayer,
    jacobi_radius,
    omega_young,
    solve_linear_pde,
    sor,
)
from structlin.solvers.evolution import evolve, kuramoto_sivashinsky, navier_stokes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Stop(NamedTuple):
    """What was done, how near it came to the truth, and its picture."""

    says: str
    draw: Callable[[Axes], Any] | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Walk through the package, print a paragraph at every stop, and draw six of them.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the command line by default.

    Returns
    -------
    int
        0.
    """
    arguments = _arguments(argv)
    drawn = {}
    begin = time.perf_counter()
    for name, stop in stops.items():
        before = time.perf_counter()
        reached = stop(np.random.default_rng(arguments.seed))
        seconds = time.perf_counter() - before
        print(f"{name} ({seconds:.1f} s)")
        print(textwrap.indent(textwrap.fill(reached.says, 76), "  ") + "\n", flush=True)
        if reached.draw is not None:
            drawn[name] = reached.draw
    print(f"{len(stops)} stops in {time.perf_counter() - begin:.0f} s, compiling included.")
    if arguments.out is None:
        print(f"Drew nothing: {arguments.why_nothing}.")
    else:
        _picture(drawn, arguments.out)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m structlin tour",
        description="A tour of the package: one small computation in every wing, with its error "
        "and its time.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--seed", type=whole(0, 2**63 - 1), default=0, help="seed of the data")
    return with_picture(parser, argv, "structlin_tour.png")


def _picture(drawn: dict[str, Callable[[Axes], Any]], path: Any) -> None:
    import matplotlib

    matplotlib.use("agg")  # no window, and none that could fail to open
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.5), layout="constrained")
    for (name, draw), ax in zip(drawn.items(), figure.subplots(2, 3).flat, strict=True):
        draw(ax)
        if ax.get_legend() is not None:
            ax.legend(frameon=False, fontsize=8)  # below the title
        ax.set_title(name)
    save(figure, path)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a second call gives, and its milliseconds: the first one compiles."""
    work()
    begin = time.perf_counter()
    result = work()
    return result, 1e3 * (time.perf_counter() - begin)


def _structured_matrices(rng: np.random.Generator) -> Stop:
    A, B, C = (rng.standard_normal((n, n)) + n * np.eye(n) for n in (40, 50, 60))
    K, b = sl.Kronecker(A, B, C), rng.standard_normal(120_000)
    x, milliseconds = _timed(lambda: sl.solve(K, b))
    residual = np.linalg.norm(K @ x - b) / np.linalg.norm(b)
    G = sl.inv(sl.GridOperator.laplacian((12, 12))).todense()
    found = sl.compress(G, tol=1e-3)
    return Stop(
        f"A ⊗ B ⊗ C has {K.shape[0]:,} rows and is never formed: a system with it takes "
        f"{milliseconds:.1f} ms, with relative residual {residual:.0e}. The Green's function of a "
        f"12 x 12 grid was dense, until `compress` found {found.operator!r}."
    )


def _random_sketches(rng: np.random.Generator) -> Stop:
    X = rng.standard_normal((40_000, 60)) @ np.diag(0.8 ** np.arange(60))
    y = X @ np.ones(60) + 0.01 * rng.standard_normal(40_000)
    fit, milliseconds = _timed(lambda: sketching.lstsq(X, y, rng=0).x)
    exact = np.linalg.lstsq(X, y)[0]
    away = np.linalg.norm(fit - exact) / np.linalg.norm(exact)
    return Stop(
        f"Least squares of 40,000 x 60 through a sketch of its rows: {milliseconds:.0f} ms, and "
        f"{away:.0e} from LAPACK's answer."
    )


def _functions_as_tensors(rng: np.random.Generator) -> Stop:
    f = tensors.chebtucker(
        lambda x, y, z: 1 / (1 + 25 * (x**2 + y**2 + z**2)), [(-1, 1)] * 3, tol=1e-8, rng=0
    )
    X = rng.uniform(-1, 1, (1000, 3))
    error = np.max(np.abs(f(*X.T) - 1 / (1 + 25 * np.sum(X**2, axis=1))))

    line = np.linspace(-1, 1, 101)

    def draw(ax: Axes) -> None:
        ax.imshow(f.grid(line, line, 0.0).T, extent=(-1, 1, -1, 1))

    return Stop(
        f"Runge's function of three variables from {f.evaluations:,} values: {f!r}. At random "
        f"points it is off by {error:.0e}; it can be integrated, maximised, squared.",
        draw,
    )


def _gaussian_processes(rng: np.random.Generator) -> Stop:
    depths, times = np.linspace(0, 1, 30), np.linspace(0, 9, 150)
    truth = np.sin(6 * depths)[:, None] * np.cos(times)
    seen = truth + 0.1 * rng.standard_normal(truth.shape)
    seen[rng.random(truth.shape) < 0.3] = np.nan
    gp = KroneckerGP([SquaredExponential(0.5), Matern(2.5, 1.0)], noise=0.01)
    gp.fit((depths, times), seen, missing="nan")
    posterior = gp.posterior(depths, times)
    mean, std = posterior.mean, posterior.std()
    error = np.sqrt(np.mean((mean - truth) ** 2))
    inside = np.mean(np.abs(mean - truth) <= 1.645 * std)

    def draw(ax: Axes) -> None:
        known = ~np.isnan(seen[8])
        dots = (times[known], seen[8, known])
        plotting.bands(times, mean[8], std[8], ax, observed=dots, truth=truth[8], label="mean")

    return Stop(
        f"A 30 x 150 grid with noise 0.1 and 30 % of its values missing, conditioned exactly: "
        f"root mean square error {error:.3f}; {inside:.0%} of the truth is inside the 90 % bands.",
        draw,
    )


def _equations_as_data(rng: np.random.Generator) -> Stop:
    x = np.linspace(0, 2 * np.pi, 400)
    pde = solve_linear_pde((x,), {(2,): 1.0}, -1e4 * np.sin(100 * x), 0.0)
    there = rng.uniform(0, 2 * np.pi, 1000)
    error = np.max(np.abs(pde.mean(np.sort(there)) - np.sin(100 * np.sort(there))))
    return Stop(
        f"u″ = −10⁴ sin 100x from 400 nodes, four to a wave, by a Gaussian process that found the "
        f"frequency itself: largest error {error:.0e}."
    )


def _learned_relaxation(rng: np.random.Generator) -> Stop:
    offsets = rng.uniform(0, 0.3, 300)
    systems = [sl.GridOperator.laplacian((20, 20), shift=c) for c in offsets]
    sources = rng.standard_normal((300, 400))
    layer = RelaxationLayer(sor, rng=0)
    learned = [layer.solve(A, b).iterations for A, b in zip(systems, sources, strict=True)]
    plain = [sor(A, b, omega=1.0).iterations for A, b in zip(systems, sources, strict=True)]
    known = [
        sor(A, b, omega=omega_young(jacobi_radius(A))).iterations
        for A, b in zip(systems, sources, strict=True)
    ]

    def draw(ax: Axes) -> None:
        curves = {"learned": learned, "Young's ω for each matrix": known}
        plotting.regret(curves, ax, reference="Young's ω for each matrix")

    return Stop(
        f"300 systems that differ: SOR with ω = 1 takes {sum(plain):,} iterations, with the ω that "
        f"a layer learned on the way {sum(learned):,}, with Young's optimal ω of every matrix, "
        f"which is not known in general, {sum(known):,}.",
        draw,
    )


def _fast_poisson(rng: np.random.Generator) -> Stop:
    def true(x: Any, y: Any) -> Any:
        return np.exp(x * y) * np.sin(np.pi * x) * y

    def source(x: Any, y: Any) -> Any:  # −Δ of it
        sine, cosine = np.sin(np.pi * x), np.cos(np.pi * x)
        bent = y * (sine * (y**2 - np.pi**2 + x**2) + 2 * np.pi * y * cosine) + 2 * x * sine
        return -np.exp(x * y) * bent

    errors, milliseconds = [], []
    for grid in (Grid.uniform([(0, 1)] * 2, 513), Grid.legendre([(0, 1)] * 2, 24)):
        solver, f = Poisson(grid), grid.evaluate(source)
        top = [(0.0, 0.0), (0.0, lambda x, y: true(x, 1.0))]
        u, once = _timed(functools.partial(solver.solve, f, top))
        errors.append(float(np.max(np.abs(u - grid.evaluate(true)))))
        milliseconds.append(once)
    jumps = np.kron(np.where(rng.random((16, 16)) < 0.5, 1.0, 4.0), np.ones((16, 16)))
    cells = Grid.uniform([(0, 1)] * 2, 256, kind="cell")
    found = Poisson(cells, coef=jumps).solution(1.0)

    def draw(ax: Axes) -> None:
        ax.contourf(*cells.axes, found.x.T, 20)

    return Stop(
        f"−Δu = f on 513 x 513 nodes by sine transforms: {milliseconds[0]:.1f} ms, error "
        f"{errors[0]:.0e}. On 24 x 24 Legendre points: {milliseconds[1]:.1f} ms, error "
        f"{errors[1]:.0e}. With a coefficient that jumps between 1 and 4 on 256 x 256 cells: "
        f"{found.iterations} iterations.",
        draw,
    )


def _chaos_and_vortices(rng: np.random.Generator) -> Stop:
    grid = Grid.uniform([(0, 32 * np.pi)], 512, kind="periodic")
    start = grid.evaluate(lambda x: np.cos(x / 16) * (1 + np.sin(x / 16)))
    chaos = evolve(kuramoto_sivashinsky(grid), start, np.linspace(0, 150, 151), dt=0.25)
    plane = Grid.uniform([(0, 2 * np.pi)] * 2, 64, kind="periodic")
    array = plane.evaluate(lambda x, y: 2 * np.cos(x) * np.cos(y))
    flow = evolve(navier_stokes(plane, 0.05), array, 2.0, dt=0.05)
    away = np.max(np.abs(flow.u - np.exp(-0.2) * array))

    def draw(ax: Axes) -> None:
        ax.imshow(chaos.u, aspect="auto", origin="lower", cmap="RdBu_r", extent=(0, 101, 0, 150))
        ax.set(xlabel="x", ylabel="time")

    return Stop(
        f"The equation of Kuramoto and Sivashinsky in {chaos.steps} steps of fourth order; a "
        f"vortex array of Navier and Stokes, whose decay is known, to {away:.0e}.",
        draw,
    )


def _learned_operators(rng: np.random.Generator) -> Stop:
    data = datasets.burgers(300, rng=int(rng.integers(2**31)), cache=False, progress=False)
    train, test = data.split(200, 100)
    linear = LinearOperatorRegression().fit(train.inputs, train.outputs)
    learned = KernelOperator(symmetry=("shift", "odd"), progress=False, rng=0)
    with warnings.catch_warnings():  # of inputs that are far from the samples
        warnings.simplefilter("ignore", UserWarning)
        begin = time.perf_counter()
        learned.fit(train.inputs, train.outputs, grid=data.grid)
        seconds = time.perf_counter() - begin
        predicted, std = learned.predict(test.inputs, return_std=True)
    error = np.mean(relative_errors(predicted, test.outputs))
    straight = np.mean(relative_errors(linear.predict(test.inputs), test.outputs))
    inside = np.mean(np.abs(predicted - test.outputs) <= 1.645 * std)
    x = data.grid.axes[0]

    def draw(ax: Axes) -> None:
        plotting.bands(x, predicted[0], std[0], ax, truth=test.outputs[0], label="predicted end")
        ax.plot(x, test.inputs[0], ":", color=plotting.palette[1], label="start")

    return Stop(
        f"From a state of Burgers' equation to that one unit of time later, learned from 200 "
        f"samples in {seconds:.1f} s with the symmetries of the equation: error {error:.2%} on new "
        f"ones (a linear map: {straight:.0%}), {inside:.0%} of the values inside the 90 % bands.",
        draw,
    )


stops: dict[str, Callable[[np.random.Generator], Stop]] = {
    "Structured matrices": _structured_matrices,
    "Random sketches": _random_sketches,
    "Functions as tensors": _functions_as_tensors,
    "Gaussian processes": _gaussian_processes,
    "Equations as data": _equations_as_data,
    "Learned relaxation": _learned_relaxation,
    "Fast Poisson solvers": _fast_poisson,
    "Chaos and vortices": _chaos_and_vortices,
    "Learned operators": _learned_operators,
}


if __name__ == "__main__":
    sys.exit(main())
