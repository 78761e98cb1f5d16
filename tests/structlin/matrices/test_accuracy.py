"""Solutions, inverses and determinants of every structure, within 100 eps cond of dense answers.

The dense answers are NumPy's, in double precision. The shared properties allow a factor of the
size on top, which these do not.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from structlin.matrices import LinearOperator, Zero, inv, slogdet, solve
from structlin.testing import operators
from structlin.testing._draws import STRUCTURES

EXAMPLES = settings().max_examples // 4
SQUARE = [
    name
    for name, found in STRUCTURES.items()
    if found.of is not Zero and any(found.fits(n, n) for n in found.sizes if n)
]


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
@pytest.mark.parametrize("name", SQUARE)
def test_square_systems(name: str, dtype: str) -> None:
    @settings(max_examples=EXAMPLES)
    @given(A=operators(structure=name, dtype=dtype, square=True))
    def holds(A: LinearOperator) -> None:
        n, eps = A.shape[0], float(np.finfo(A.dtype).eps)
        D = A.todense().astype(np.complex128)
        values = np.linalg.svd(D, compute_uv=False)
        assume(n and values[-1] > 1e4 * n * eps * values[0])
        slack = 100 * eps * values[0] / values[-1]

        b = (A @ np.linspace(1, 2, 2 * n, dtype=A.real_dtype).reshape(n, 2)).astype(A.dtype)
        x = np.linalg.solve(D, b)
        assert np.linalg.norm(solve(A, b) - x) <= slack * np.linalg.norm(x)

        inverse = np.linalg.inv(D)
        assert np.linalg.norm(inv(A).todense() - inverse) <= slack * np.linalg.norm(inverse)

        sign, logabsdet = slogdet(A)
        expected = np.linalg.slogdet(D)
        assert abs(sign - expected.sign) <= slack
        assert abs(logabsdet - expected.logabsdet) <= slack * max(1, abs(expected.logabsdet))

    holds()
