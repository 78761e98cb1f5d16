"""Dynamic mode decompositions beside PyDMD: times, spectra, and what residuals tell."""

import sys
from typing import Any

import harness

# isort: split
import numpy as np

from structlin.operators import DynamicModes, monomials

try:
    import pydmd
except ImportError:
    pydmd = None


def waves(points: int, times: int, pairs: int, noise: float) -> tuple[Any, Any]:
    """Return states (times, points) that are sums of travelling waves, and their eigenvalues."""
    rng = np.random.default_rng(0)
    x, t = np.linspace(0, 1, points), np.arange(times)[:, None]
    values = np.exp(rng.uniform(-0.01, 0, pairs) + 1j * rng.uniform(0.1, 3.0, pairs))
    field = sum(
        np.real(value**t * np.exp(2j * np.pi * (k + 1) * x)) for k, value in enumerate(values)
    )
    field = field + noise * rng.standard_normal(field.shape)
    return field, np.concatenate([values, values.conj()])


def farthest(found: Any, expected: Any) -> float:
    return float(np.max(np.min(np.abs(np.asarray(found)[:, None] - expected), axis=0)))


def main() -> int:
    record = harness.Record("dynamic_modes", "Dynamic mode decompositions, float64")
    for points, times in ((10_000, 200), (1000, 1000)):
        field, values = waves(points, times, 10, 1e-6)
        columns = np.ascontiguousarray(field.T)
        runs = {"structlin": lambda f=field: DynamicModes(rank=20).fit(f)}
        if pydmd is not None:
            runs["PyDMD"] = lambda c=columns: pydmd.DMD(svd_rank=20, exact=True).fit(c)
        snapshots = field[:-1].copy()
        bare = harness.Limit(
            lambda s=snapshots: np.linalg.svd(s.T, full_matrices=False), 1.0, binds=[]
        )
        record.race(
            f"{times} states of {points} numbers, rank 20",
            runs,
            limits={"singular value decomposition": bare},
            bars=[("structlin", "PyDMD", 1.0)] if pydmd is not None else [],
            rounds=11,
            seconds=30.0,
        )
        model = DynamicModes(rank=20).fit(field)
        record.figure(
            f"error of eigenvalues, {times} of {points}, structlin",
            farthest(model.eigenvalues, values),
            at_most=1e-4,
        )
        if pydmd is not None:
            peer = pydmd.DMD(svd_rank=20, exact=True).fit(columns)
            record.figure(
                f"error of eigenvalues, {times} of {points}, PyDMD", farthest(peer.eigs, values)
            )

    field, values = waves(400, 300, 5, 0.3)
    for total in (False, True):
        model = DynamicModes(rank=10, total=total).fit(field)
        name = "total least squares" if total else "least squares"
        record.figure(
            f"error of eigenvalues, 30 % noise, {name}", farthest(model.eigenvalues, values)
        )
    if pydmd is not None:
        peer = pydmd.DMD(svd_rank=10, tlsq_rank=10, exact=True).fit(field.T)
        record.figure(
            "error of eigenvalues, 30 % noise, PyDMD with total least squares",
            farthest(peer.eigs, values),
        )

    # a map with the eigenvalues 0.9ʲ 0.5ᵏ; polynomials of degree 5 hold those with j + 2 k ≤ 5
    states = np.random.default_rng(1).uniform(-1, 1, (1000, 2))
    x, y = states.T
    later = np.stack([0.9 * x, 0.5 * y + 0.31 * x**2], axis=1)
    known = np.array([0.9**j * 0.5**k for k in range(3) for j in range(6 - 2 * k)])
    model = DynamicModes(monomials(5)).fit(states, later)
    label = f"of {len(model.eigenvalues)} eigenvalues by monomials,"
    true = model.verified(1e-8).eigenvalues
    record.figure(f"{label} those with residuals below 1e-8", len(true), at_least=len(known))
    record.figure("their largest distance from known ones", farthest(known, true), at_most=1e-10)
    record.figure("farthest of the known ones", farthest(true, known), at_most=1e-10)
    record.figure(f"{label} the farthest from a known one", farthest(known, model.eigenvalues))

    rng = np.random.default_rng(2)
    theta = rng.uniform(0, 2 * np.pi, 400)
    circle = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    turned = np.stack([np.cos(theta + 0.7), np.sin(theta + 0.7)], axis=1)
    runs = {"structlin": lambda: DynamicModes("rbf", rank=15).fit(circle, turned)}
    if pydmd is not None:
        options: dict[str, Any] = {"svd_rank": 15, "kernel_metric": "rbf"}
        runs["PyDMD"] = lambda: pydmd.EDMD(**options).fit(circle.T, turned.T)
    record.race("kernel, 400 pairs, rank 15", runs, rounds=11, seconds=20.0)
    expected = np.exp(0.7j * np.arange(-3, 4))
    kernel = DynamicModes("rbf", rank=15).fit(circle, turned)
    record.figure(
        "error of eigenvalues of a rotation, kernel", farthest(kernel.eigenvalues, expected)
    )
    if pydmd is not None:
        peer = pydmd.EDMD(**options).fit(circle.T, turned.T)
        record.figure(
            "error of eigenvalues of a rotation, PyDMD's kernel", farthest(peer.eigs, expected)
        )
    if pydmd is None:
        record.missing("PyDMD")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
