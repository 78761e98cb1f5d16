"""Gaussian processes on lattices and nets beside QMCPy's kernels and transforms in its order."""

import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np
import scipy.fft

from structlin._backend import kernel, namespace
from structlin._kernels.walsh import walsh_transform
from structlin.solvers.lattice import (
    DigitallyShiftInvariant,
    DigitalNet,
    Lattice,
    LatticeGP,
    ShiftInvariant,
)

try:
    import qmcpy
except ImportError:
    qmcpy = None

SIZES = tuple(2**m for m in (16, 18, 20))
# of QMCPy's lattice: any vector will do
VECTOR = (1, 182667, 213731)
NOISE = 1e-6
RACE: dict[str, Any] = {"rounds": 11, "seconds": 12.0}


def smooth(X: Any) -> Any:
    return np.exp(np.sum(np.sin(2 * np.pi * X), axis=1))


def residual(points: Lattice, Y: Any, weights: Any) -> float:
    """Return ``‖(K + noise I) weights − Y‖ / ‖Y‖``, kernel and product in extended precision."""
    n, wide = points.n, np.longdouble
    pi = wide("3.14159265358979323846264338327950288")
    column = np.ones(n, dtype=wide)
    for z in points.generating_vector:
        t = (np.arange(n) * z % n).astype(wide) / n
        column *= 1 - (2 * pi) ** 4 / 24 * ((t * (1 - t)) ** 2 - wide(1) / 30)
    column[0] += wide("1e-6")
    product = scipy.fft.irfft(scipy.fft.rfft(column).real * scipy.fft.rfft(weights.astype(wide)), n)
    return float(np.linalg.norm((product - Y).astype(float)) / np.linalg.norm(Y))


def lattices(record: harness.Record, n: int) -> None:
    points, kernel_function = Lattice(n, VECTOR, shift=0.0), ShiftInvariant(alpha=2)
    own_order = Lattice(n, VECTOR, shift=0.0, order="radical inverse")
    X = own_order.points()
    Y, shuffled = smooth(points.points()), smooth(X)
    fitted = LatticeGP(kernel_function, NOISE).fit(points, Y)
    found = residual(points, Y, fitted.weights)
    record.figure(f"n = {n}: residual, smooth values", found, at_most=1e-9)
    noise = np.random.default_rng(0).standard_normal(n)
    noisy = Y + 1e-3 * noise
    weights = LatticeGP(kernel_function, NOISE).fit(points, noisy).weights
    record.figure(f"n = {n}: residual, with noise", residual(points, noisy, weights), at_most=1e-9)
    # a million times the nugget in rough directions: what rounding of the eigenvalues allows
    weights = LatticeGP(kernel_function, NOISE).fit(points, noise).weights
    record.figure(f"n = {n}: residual, nothing but noise", residual(points, noise, weights))

    both: dict[str, Callable[[], Any]] = {
        "structlin": lambda: LatticeGP(kernel_function, NOISE).fit(points, Y).weights,
        "structlin, QMCPy's order": lambda: (
            LatticeGP(kernel_function, NOISE).fit(own_order, shuffled).weights
        ),
    }
    solve: dict[str, Callable[[], Any]] = {"structlin": lambda: fitted.solve(Y)}
    bars = []
    if qmcpy is not None:
        peer = qmcpy.KernelShiftInvar(3, alpha=2, lengthscales=[1.0] * 3)

        def eigenvalues() -> Any:
            column = peer(X, X[0])
            column[0] += NOISE
            return np.sqrt(n) * qmcpy.fftbr(column)

        values = eigenvalues()
        both["qmcpy"] = lambda: qmcpy.ifftbr(qmcpy.fftbr(shuffled) / eigenvalues()).real
        solve["qmcpy"] = lambda: qmcpy.ifftbr(qmcpy.fftbr(shuffled) / values).real
        bars = [("structlin", "qmcpy", 2.0)]
        ours, theirs = both["structlin, QMCPy's order"](), both["qmcpy"]()
        difference = float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
        record.figure(f"n = {n}: largest difference of the solutions", difference)
    transforms = harness.Limit(lambda: scipy.fft.rfft(Y), 3.0, binds=["structlin", "qmcpy"])
    limits = {"three real transforms": transforms}
    record.race(f"lattice, n = {n}, kernel + solve", both, limits=limits, bars=bars, **RACE)
    bars = [(a, b, 1.5) for a, b, _ in bars]
    record.race(f"lattice, n = {n}, solve", solve, bars=bars, **RACE)


def nets(record: harness.Record, n: int) -> None:
    points, kernel_function = DigitalNet.sobol(n, 3, shift=0.0), DigitallyShiftInvariant(alpha=2)
    X = points.points()
    Y = smooth(X)
    runs: dict[str, Callable[[], Any]] = {
        "structlin": lambda: LatticeGP(kernel_function, NOISE).fit(points, Y).weights
    }
    bars = []
    if qmcpy is not None:
        peer = qmcpy.KernelDigShiftInvar(3, t=52, alpha=2, lengthscales=[1.0] * 3)

        def solve() -> Any:
            column = peer(X, X[0])
            column[0] += NOISE
            return qmcpy.fwht(qmcpy.fwht(Y) / (np.sqrt(n) * qmcpy.fwht(column)))

        runs["qmcpy"] = solve
        bars = [("structlin", "qmcpy", 2.0)]
    record.race(f"net, n = {n}, kernel + solve", runs, bars=bars, agree=1e-6, **RACE)


def transforms(record: harness.Record, n: int) -> None:
    x = np.random.default_rng(0).standard_normal(n)
    transform = kernel(namespace(x), walsh_transform)
    runs: dict[str, Callable[[], Any]] = {"structlin": lambda: transform(x[:, None])[:, 0]}
    bars = []
    if qmcpy is not None:
        runs["qmcpy"] = lambda: np.sqrt(n) * qmcpy.fwht(x)
        bars = [("structlin", "qmcpy", 5.0)]
    # numbers are read and written once
    limits = {"update": harness.bandwidth("update", moved=16 * n, footprint=16 * n)}
    record.race(
        f"Walsh–Hadamard transform, n = {n}", runs, limits=limits, bars=bars, agree=1e-11, **RACE
    )


def main() -> int:
    record = harness.Record("gp_lattice", "Lattices and nets, three coordinates, nugget 1e-6")
    if qmcpy is None:
        record.missing("qmcpy")
    for n in SIZES:
        lattices(record, n)
        nets(record, n)
        transforms(record, n)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
