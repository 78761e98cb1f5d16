"""Reduced-order models: a nonlinear equation online, error indicators, local bases, peers.

The equation is ``−Δu + µ₁ (exp(µ₂ u) − 1)/µ₂ = 100 sin 2πx sin 2πy`` on the unit square, zero on
its sides, with ``µ`` in ``[0.01, 10]²``: a common test of discrete empirical interpolation (M. A.
Grepl, Y. Maday, N. C. Nguyen and A. T. Patera, 2007; S. Chaturantabut and D. C. Sorensen, 2010).
Full models are Newton's method with sparse factorisations, and with conjugate gradients that a
sine transform preconditions.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import harness  # first: the threads are pinned before NumPy reads them

# isort: split
import numpy as np
import scipy.fft
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from structlin.bases import Grid
from structlin.solvers import (
    AdaptiveReducedModel,
    Poisson,
    ReducedModel,
    cg,
    deim,
    empirical_cubature,
    galerkin_cubature,
    k_medoids,
    local_pod,
    pod,
    sine_dissimilarity,
)

RACE: dict[str, Any] = {"rounds": 11, "seconds": 40.0}
TOL = 1e-10  # of the steps of every Newton's method


class Reaction:
    """The equation on a grid of ``n`` by ``n`` nodes inside the square."""

    def __init__(self, n: int) -> None:
        self.n, h = n, 1 / (n + 1)
        x = np.arange(1, n + 1) * h
        second = scipy.sparse.diags_array(
            [-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
        )
        one = scipy.sparse.eye_array(n)
        both = scipy.sparse.kron(second, one) + scipy.sparse.kron(one, second)
        self.linear = (both / h**2).tocsc()
        self.source = 100 * np.outer(np.sin(2 * np.pi * x), np.sin(2 * np.pi * x)).ravel()
        waves = (2 * np.sin(np.pi * x / 2) / h) ** 2
        self.eigenvalues = waves[:, None] + waves
        self.everywhere = np.arange(n * n)

    def residual(self, u: Any, mu: Any, idx: Any) -> Any:
        """Return the nonlinear part at some places."""
        return mu[0] / mu[1] * np.expm1(mu[1] * u[idx]) - self.source[idx]

    def jacobian(self, u: Any, mu: Any, idx: Any) -> Any:
        """Return its derivative by the field there."""
        return mu[0] * np.exp(mu[1] * u[idx])

    def newton(self, mu: Any, step: Callable[[Any, Any], Any]) -> Any:
        """Return the field, by steps ``step(slope, rest)`` of Newton's method."""
        u = np.zeros(self.n**2)
        for _ in range(60):
            rest = self.linear @ u + self.residual(u, mu, self.everywhere)
            change = step(self.jacobian(u, mu, self.everywhere), rest)
            u = u - change
            if np.linalg.norm(change) < TOL * np.linalg.norm(u):
                break
        return u

    def factorised(self, mu: Any) -> Any:
        """Return the field, by sparse factorisations."""

        def step(slope: Any, rest: Any) -> Any:
            J = (self.linear + scipy.sparse.diags_array(slope)).tocsc()
            return scipy.sparse.linalg.splu(J, permc_spec="MMD_AT_PLUS_A").solve(rest)

        return self.newton(mu, step)

    def transformed(self, mu: Any) -> Any:
        """Return the field, by conjugate gradients with sine transforms."""

        def precondition(v: Any) -> Any:
            modes = scipy.fft.dstn(v.reshape(self.n, self.n), type=1)
            return scipy.fft.idstn(modes / self.eigenvalues, type=1).ravel()

        def step(slope: Any, rest: Any) -> Any:
            J = self.linear + scipy.sparse.diags_array(slope)
            return cg(J.tocsr(), rest, rtol=1e-6, preconditioner=precondition).x

        return self.newton(mu, step)


def relative(found: Any, true: Any) -> Any:
    return np.linalg.norm(found - true, axis=1) / np.linalg.norm(true, axis=1)


def on_a_grid(top: float, count: int) -> Any:
    axis = np.linspace(0.01, top, count)
    return np.array([(a, b) for a in axis for b in axis])


def online(record: harness.Record, n: int) -> None:
    """Race full and reduced models, all of their errors measured on parameters not seen."""
    problem = Reaction(n)
    parameters = on_a_grid(10, 8)
    tests = np.random.default_rng(1).uniform(0.01, 10, (40, 2))
    S = np.stack([problem.transformed(mu) for mu in parameters])
    true = np.stack([problem.transformed(mu) for mu in tests])
    N = np.stack(
        [problem.residual(u, mu, problem.everywhere) for u, mu in zip(S, parameters, strict=True)]
    )
    basis = pod(S, 10)
    samplings = {
        "DEIM": deim(pod(N, 10), method="deim"),
        "Q-DEIM": deim(pod(N, 10)),
        "gappy POD, 40 points": deim(pod(N, 20), points=40),
        "empirical cubature": galerkin_cubature(basis, N, tol=1e-4),
        "all points": None,
    }
    contestants: dict[str, Callable[[], Any]] = {}
    mu = tests[0]
    for name, sampling in samplings.items():
        model = ReducedModel(
            basis,
            problem.residual,
            linear=problem.linear,
            sampling=sampling,
            jacobian=problem.jacobian,
        )
        fields = np.stack([model.field(model.solve(point).x) for point in tests])
        error = float(np.max(relative(fields, true)))
        bar = None if sampling is None else 1e-3
        record.figure(f"{n}²: largest error of 40, {name}", error, at_most=bar)
        contestants[f"structlin, {name}"] = lambda model=model: model.solve(mu, rtol=1e-8).x
    best = float(np.max(basis.projection_errors(true)))
    record.figure(f"{n}²: largest error of projection, 10 modes", best)
    contestants["full, sparse factorisation"] = lambda: problem.factorised(mu)
    contestants["full, sine transform and CG"] = lambda: problem.transformed(mu)
    bars = [
        (ours, full, 50.0)
        for ours in ("structlin, DEIM", "structlin, gappy POD, 40 points")
        for full in ("full, sparse factorisation", "full, sine transform and CG")
    ]
    record.race(f"one solution, {n}² unknowns, 10 modes", contestants, bars=bars, **RACE)


def indicators(record: harness.Record, n: int) -> None:
    """Measure how misfits follow errors, inside and outside what was sampled."""
    problem = Reaction(n)
    tests = np.random.default_rng(2).uniform(0.01, 10, (80, 2))
    true = np.stack([problem.transformed(mu) for mu in tests])
    for top, name, bar in ((3.0, "beyond the samples", 0.9), (10.0, "among the samples", None)):
        for sampling in ("gappy", "cubature"):
            model = AdaptiveReducedModel(
                problem.transformed,
                problem.residual,
                linear=problem.linear,
                jacobian=problem.jacobian,
                sampling=sampling,  # type: ignore[arg-type]
            ).fit(on_a_grid(top, 5), progress=False)
            found = [model.solve(mu, adapt=False) for mu in tests]
            errors = relative(np.stack([one.field for one in found]), true)
            logs = np.log(errors)
            case = f"{name}, {sampling}"
            misfits = np.log([one.misfit for one in found])
            record.figure(
                f"{case}: correlation of log misfit and log error",
                float(np.corrcoef(logs, misfits)[0, 1]),
                at_least=bar,
            )
            told = np.log([one.error for one in found])
            record.figure(
                f"{case}: correlation of log predicted and log error",
                float(np.corrcoef(logs, told)[0, 1]),
                at_least=bar,
            )
            ratio = np.exp(np.median(np.abs(told - logs)))
            record.figure(f"{case}: median factor between predicted and true error", ratio)
            below = np.mean(errors <= [one.upper for one in found])
            record.figure(f"{case}: errors below their 95 % bound", 100 * float(below), "%")
            solved = [model.solve(mu) for mu in tests]
            calls = sum(one.enriched for one in solved)
            worst = float(np.max(relative(np.stack([one.field for one in solved]), true)))
            record.figure(f"{case}: full solutions of 80, tolerance 1e-3", calls)
            record.figure(f"{case}: largest error with them", worst, at_most=1e-3)


def clusters(record: harness.Record, n: int) -> None:
    """Compare local bases with a global one, for a source that moves."""
    grid = Grid.uniform([(0, 1), (0, 1)], n)
    x, y = grid.mesh()
    solver = Poisson(grid, shift=400.0)  # −Δu + 20² u = f
    places = np.random.default_rng(3).uniform(0.15, 0.85, (400, 2))
    fields = np.stack(
        [solver.solve(np.exp(-(((x - a) ** 2 + (y - b) ** 2) / 0.05**2))) for a, b in places]
    )
    known, fresh = fields[:300], fields[300:]
    local = local_pod(known, 8, 10, parameters=places[:300], rng=0)
    label = local.assign(fresh)
    every = np.stack([basis.projection_errors(fresh) for basis in local.bases])
    own = every[label, np.arange(len(fresh))]
    by_place = every[local.classify(places[300:]), np.arange(len(fresh))]
    whole = pod(known, 10).projection_errors(fresh)

    def size(errors: Any) -> float:
        return float(np.sqrt(np.mean(errors**2)))

    record.figure("moving source: error of one basis of 10 modes", size(whole))
    record.figure("moving source: error of 8 bases of 10 modes", size(own))
    record.figure("moving source: gain", size(whole) / size(own), at_least=1.0)
    record.figure(
        "moving source: gain, cluster by parameters", size(whole) / size(by_place), at_least=1.0
    )
    record.figure("moving source: gain foretold", float(local.efficiency.gains[9]))
    angles = sine_dissimilarity(known)
    record.race(
        "300 fields, 8 clusters",
        {
            "angles": lambda: sine_dissimilarity(known),
            "k-medoids, 10 starts": lambda: k_medoids(angles, 8, rng=0).labels,
        },
        **RACE,
    )


def bases(record: harness.Record, samples: int, n: int) -> None:
    """Race the decomposition of snapshots and the choice of points."""
    rng = np.random.default_rng(4)
    x = np.linspace(0, 1, n)
    S = 1 / (0.02 + (x - rng.uniform(0, 1, samples)[:, None]) ** 2)
    S = S / np.linalg.norm(S)
    exact = scipy.linalg.svdvals(S)[:20]
    runs: dict[str, Callable[[], Any]] = {
        "structlin": lambda: pod(S, 20, method="gram").singular_values[:20],
        "structlin, randomised": lambda: pod(S, 20, method="randomized", rng=0).singular_values,
        "scipy.linalg.svd": lambda: scipy.linalg.svd(S, full_matrices=False)[1][:20],
    }
    points: dict[str, Callable[[], Any]] = {}
    modes = pod(S, 20)
    points["structlin, Q-DEIM"] = lambda: deim(modes).indices
    points["structlin, DEIM"] = lambda: deim(modes, method="deim").indices
    try:
        peer_pod = importlib.import_module("pymor.algorithms.pod").pod
        ei = importlib.import_module("pymor.algorithms.ei")
        space = importlib.import_module("pymor.vectorarrays.numpy").NumpyVectorSpace(n)
        importlib.import_module("pymor.core.logger").set_log_levels({"pymor": "ERROR"})
    except ImportError:
        record.missing("pymor")
    else:
        vectors = space.from_numpy(S.T)
        runs["pymor, method of snapshots"] = lambda: peer_pod(vectors, modes=20)[1]
        runs["pymor, QR and SVD"] = lambda: peer_pod(vectors, modes=20, method="qr_svd")[1]
        collateral = space.from_numpy(modes.rows.T)
        points["pymor, qdeim"] = lambda: ei.qdeim(collateral, pod=False)[0]
        points["pymor, deim"] = lambda: ei.deim(collateral, pod=False)[0]
    for name, run in runs.items():
        lost = float(np.max(np.abs(np.asarray(run())[:20] / exact - 1)))
        record.figure(f"{samples} × {n}, 20 modes: error of singular values, {name}", lost)
    record.race(f"{samples} snapshots of {n}, 20 modes", runs, **RACE)
    record.race(f"points of 20 modes of {n}", points, **RACE)
    rule = empirical_cubature(S, tol=1e-6)
    record.figure(f"cubature of {samples} functions: points", len(rule.indices))
    record.figure(f"cubature of {samples} functions: smallest weight", float(rule.weights.min()))
    record.race(
        f"empirical cubature, {samples} functions of {n} points",
        {"structlin": lambda: empirical_cubature(S, tol=1e-6).weights},
        **RACE,
    )


def main() -> int:
    record = harness.Record("reduced", "Reduced-order models, float64")
    online(record, 127)
    indicators(record, 47)
    clusters(record, 64)
    bases(record, 300, 20_000)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
