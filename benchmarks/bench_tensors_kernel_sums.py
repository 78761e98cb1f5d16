"""Functions from sums: a molecule given as products of samples, and potentials of many charges."""

import math
import subprocess
import sys
from typing import Any

import harness

# isort: split
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import erf

from structlin._backend import kernel
from structlin._kernels.khatri_rao_core import khatri_rao_core
from structlin.tensors import CP, ChebTucker, Chebyshev, LongRangeCoulomb, split_coulomb

try:
    import tensorly
    from tensorly.cp_tensor import cp_to_tensor
except ImportError:
    tensorly = None

SIGMA, TOL = 0.2, 1e-8
BOX = [(-1.0, 1.0)] * 3
# the largest resident memory of a process that sums 10⁵ charges
MOST_BYTES = 2 * 2**30


def synthetic_molecule(
    n_atoms: int = 500, grid: int = 256, rng: Any = None
) -> tuple[Any, list[Any], Any]:
    """Return weights and samples of a long-range potential, and the potential itself.

    The Newton kernel is a sum of Gaussians whose widths grow by a factor; the narrowest ones stand
    at every atom, wider ones at groups of atoms, ever fewer: 743 terms for 500 atoms. The samples
    are those at the midpoints of a uniform grid on ``[−1, 1]³``.
    """
    rng = np.random.default_rng(rng)
    growth, rate = 1.8, 10.0
    places = rng.standard_normal((n_atoms, 3))
    places *= 0.8 * np.cbrt(rng.random((n_atoms, 1))) / np.linalg.norm(places, axis=1)[:, None]
    places = places[np.argsort(places[:, 0])]
    charges = rng.uniform(-1, 1, n_atoms)
    terms = []
    for level, share in enumerate((1.0, 0.3, 0.12, 0.05, 0.016)):
        t = rate * growth**-level
        for group in np.array_split(np.arange(n_atoms), max(round(share * n_atoms), 1)):
            size = 2 / math.sqrt(math.pi) * math.log(growth) * t * charges[group].sum()
            terms.append((size, *places[group].mean(axis=0), t))
    table = np.array(terms)
    weights, centres, rates = table[:, 0], table[:, 1:4], table[:, 4]
    x = -1 + 2 * (np.arange(grid) + 0.5) / grid
    factors = [np.exp(-((rates * (x[:, None] - centres[:, axis])) ** 2)) for axis in range(3)]

    def potential(points: Any) -> Any:
        squares = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        return np.exp(-squares * rates**2) @ weights

    return weights, factors, potential


def fixed_degree(weights: Any, factors: list[Any], m: int = 129, tol: float = 1e-7) -> Any:
    """Return core and factors by cubic splines and singular vectors, at a degree that is given."""
    basis = Chebyshev(-1.0, 1.0)
    left, right = [], []
    for samples in factors:
        n = len(samples)
        x = -1 + 2 * (np.arange(n) + 0.5) / n
        U, s, Vt = np.linalg.svd(
            basis.coefficients(CubicSpline(x, samples)(basis.points(m))), full_matrices=False
        )
        tails = np.sqrt(np.cumsum(s[::-1] ** 2)[::-1])
        r = int(np.sum(tails > tol / 3))
        left.append(U[:, :r])
        right.append(s[:r, None] * Vt[:r])
    core = np.einsum("q,aq,bq,cq->abc", weights, *right, optimize=True)
    return core, left


def direct_sum(points: Any, centres: Any, weights: Any) -> Any:
    """Return the long-range potential at points, in blocks that stay in the cache."""
    out = np.empty(len(points))
    for start in range(0, len(points), 64):
        block = points[start : start + 64]
        squares = sum((block[:, axis, None] - centres[:, axis]) ** 2 for axis in range(3))
        r = np.sqrt(squares)
        out[start : start + 64] = (erf(r / SIGMA) / r) @ weights
    return out


def by_products(centres: Any, weights: Any, degree: int = 56, nodes: int = 28) -> Any:
    """Return core and factors from all products of ``N M`` terms: their Gram matrices and core."""
    basis = Chebyshev(-1.0, 1.0)
    t, w = np.polynomial.legendre.leggauss(nodes)
    t, w = (1 + t) / (2 * SIGMA), w / SIGMA / math.sqrt(math.pi)
    x, sides, factors = basis.points(degree + 1), [], []
    for axis in range(3):
        gaps = x[:, None, None] - centres[:, axis]
        C = basis.coefficients(np.exp(-((t[:, None] * gaps) ** 2)).reshape(len(x), -1))
        squares, U = np.linalg.eigh(C @ C.T)
        U = U[:, squares > 1e-16 * squares[-1]]
        sides.append(U.T @ C)
        factors.append(U)
    all_weights = (w[:, None] * weights).ravel()
    return kernel(np, khatri_rao_core)(all_weights, sides), factors


def charges(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    return rng.uniform(-1, 1, (n, 3)), rng.choice([-1.0, 1.0], n)


def build(n: int) -> ChebTucker:
    return ChebTucker.from_kernel_sum(LongRangeCoulomb(SIGMA), *charges(n), BOX, tol=TOL, rng=0)


def molecule(record: harness.Record) -> None:
    weights, factors, potential = synthetic_molecule(rng=0)
    tol, terms = 1e-7, len(weights)
    case = f"molecule of 500 atoms, {terms} terms on 256³"
    record.race(
        case,
        {
            "structlin": lambda: ChebTucker.from_cp(weights, factors, BOX, tol=tol, rng=0),
            "cubic splines, 129 coefficients": lambda: fixed_degree(weights, factors),
        },
        rounds=9,
        seconds=15.0,
    )
    f = ChebTucker.from_cp(weights, factors, BOX, tol=tol, rng=0)
    points = np.random.default_rng(1).uniform(-1, 1, (50_000, 3))
    values = potential(points)
    scale = np.max(np.abs(values))
    error = np.max(np.abs(f(*points.T) - values)) / scale
    record.figure("molecule: terms", terms)
    record.figure("molecule: error", error, at_most=1e-6)
    core, U = fixed_degree(weights, factors)
    theirs = ChebTucker(core, U, BOX)
    record.figure(
        "molecule: error of cubic splines", np.max(np.abs(theirs(*points.T) - values)) / scale
    )
    record.figure("molecule: largest degree, chosen", max(f.degrees))
    record.figure("molecule: estimate of the error", f.error_estimate)
    best = CP(weights, factors).to_tucker(tol).ranks
    ratio = max(r / s for r, s in zip(f.ranks, best, strict=True))
    record.figure("molecule: ranks over those of its samples", ratio, at_most=1.1)


def long_range(record: harness.Record, n: int) -> None:
    centres, weights = charges(n)
    f = build(n)
    points = np.random.default_rng(1).uniform(-1, 1, (10_000 if n < 10**4 else 300, 3))
    exact = direct_sum(points, centres, weights)
    error = np.max(np.abs(f(*points.T) - exact)) / np.max(np.abs(exact))
    record.figure(f"{n} charges: error relative to the largest value", error, at_most=TOL)
    record.figure(f"{n} charges: largest rank", max(f.ranks))
    record.figure(f"{n} charges: largest degree", max(f.degrees))
    many = np.random.default_rng(3).uniform(-1, 1, (100_000, 3))
    record.race(
        f"{n} charges, potential at a point",
        {
            "structlin": lambda: f(*many.T),
            "direct sum": lambda: direct_sum(points, centres, weights),
        },
        units={"structlin": len(many), "direct sum": len(points)},
        bars=[("structlin", "direct sum", 8.0)],
        rounds=5,
        seconds=15.0,
    )
    contestants = {"structlin": lambda: build(n)}
    if n <= 1000:
        contestants["core of all products, Gram matrices"] = lambda: by_products(centres, weights)
    times = record.race(f"{n} charges, construction", contestants, rounds=7, seconds=20.0)
    if n == 1000:
        record.figure("1000 charges: construction", times["structlin"].median, "s", at_most=0.35)


def memory(record: harness.Record, n: int) -> None:
    """Measure the largest resident memory of a process of its own, as Linux tells it."""
    script = (
        "import numpy as np; from structlin.tensors import ChebTucker, LongRangeCoulomb; "
        f"rng = np.random.default_rng(2); centres = rng.uniform(-1, 1, ({n}, 3)); "
        f"charges = rng.choice([-1.0, 1.0], {n}); "
        f"ChebTucker.from_kernel_sum(LongRangeCoulomb({SIGMA}), centres, charges, {BOX}, "
        f"tol={TOL}, rng=0); print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes = int(done.stdout.split()[-1])
    record.figure(f"{n} charges: memory", kilobytes / 2**20, "GiB", at_most=MOST_BYTES / 2**30)


def cores(record: harness.Record, rank: int, terms: int) -> None:
    rng = np.random.default_rng(4)
    weights, factors = rng.standard_normal(terms), list(rng.standard_normal((3, rank, terms)))
    contestants = {
        "structlin": lambda: kernel(np, khatri_rao_core)(weights, factors),
        "plain": lambda: khatri_rao_core(weights, factors),
    }
    if tensorly is not None:
        contestants["tensorly"] = lambda: cp_to_tensor((weights, factors))
    record.race(
        f"core of {terms} terms, {rank}³",
        contestants,
        limits={"its products as gemm": harness.gemm(2 * rank**3 * terms)},
        rounds=9,
        seconds=15.0,
        agree=1e-12,
    )


def split(record: harness.Record, n: int) -> None:
    centres, weights = charges(n)
    potential = split_coulomb(centres, weights, BOX, sigma=SIGMA, tol=TOL, rng=0)
    points = np.random.default_rng(5).uniform(-1, 1, (2000, 3))
    r = np.sqrt(((points[:, None, :] - centres) ** 2).sum(axis=2))
    exact = (1 / r) @ weights
    scale = np.max(np.abs(potential.long_range(*points.T)))
    error = np.max(np.abs(potential(*points.T) - exact)) / scale
    record.figure(f"{n} charges, 1/r in two ranges: error", error, at_most=TOL)


def main() -> int:
    record = harness.Record(
        "tensors_kernel_sums", "Functions from sums of products and of kernels, float64"
    )
    if tensorly is None:
        record.missing("tensorly")
    molecule(record)
    cores(record, 31, 28_000)
    for n in (10**3, 10**4, 10**5):
        long_range(record, n)
    split(record, 1000)
    memory(record, 10**5)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
