"""Many tridiagonal systems: the compiled kernel against its plain function and dense solves."""

from __future__ import annotations

import numpy as np
import pytest

from structlin._kernels import tridiagonal as plain, tridiagonal_numba as compiled


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_kernels_solve_the_systems(dtype, lines, n, rng):
    real, small = (np.float32, 1e-5) if dtype == "float32" else (np.float64, 1e-13)
    weights = rng.uniform(0.5, 1.0, (n, lines)).astype(real)
    diagonal = rng.uniform(2.5, 3.0, (n, lines)).astype(real)
    pivots, ratios = [diagonal[0]], [0 * diagonal[0]]
    for j in range(1, n):
        ratios.append(weights[j] / pivots[-1])
        pivots.append(diagonal[j] - weights[j] * ratios[-1])
    factors = np.stack(ratios)[:, None, :], 1 / np.stack(pivots)[:, None, :]
    r = (rng.standard_normal((n, 2, 3)) * (1j if "complex" in dtype else 1)).astype(dtype)
    x = plain.chain(*factors, r)
    np.testing.assert_allclose(compiled.chain(*factors, r), x, rtol=small)
    assert x.dtype == compiled.chain(*factors, r).dtype == dtype
    for line in range(3):
        w, d = weights[:, line % lines], diagonal[:, line % lines]
        T = np.diag(d) - np.diag(w[1:], 1) - np.diag(w[1:], -1)
        exact = np.linalg.solve(T, r[:, :, line])
        np.testing.assert_allclose(x[:, :, line], exact, atol=small)
