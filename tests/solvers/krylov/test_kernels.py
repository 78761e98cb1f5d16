"""The compiled vector operations of conjugate gradients and their plain forms."""

from __future__ import annotations

import numpy as np
import pytest

from structlin._backend import kernel, namespace
from structlin._kernels import conjugate_directions as plain
from tests.solvers.krylov.methods import vector

xp = namespace(np.empty(0))


@pytest.mark.parametrize("kind", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("layout", ["flat", "grid", "strided", "read-only"])
def test_twins_agree(kind, layout, rng):
    vectors = [vector(24, rng, kind) for _ in range(4)]
    if layout == "grid":
        vectors = [v.reshape(4, 6) for v in vectors]
    if layout == "strided":
        vectors = [np.repeat(v, 2)[::2] for v in vectors]
    if layout == "read-only":
        for v in vectors:
            v.flags.writeable = False
    x, r, p, q = vectors
    close = {"rtol": 100 * np.finfo(kind).eps, "atol": 100 * np.finfo(kind).eps}
    expected = plain.real_dot(p, q)
    assert kernel(xp, plain.real_dot)(p, q) == pytest.approx(expected, rel=1e-4)
    expected = plain.next_direction(p, r, 0.3)
    found = kernel(xp, plain.next_direction)(p.copy() if layout != "read-only" else p, r, 0.3)
    assert found.dtype == p.dtype
    np.testing.assert_allclose(found, expected, **close)
    expected = plain.advance(x, r, p, q, 0.3, 0.7)
    found = kernel(xp, plain.advance)(x, r, p, q, 0.3, 0.7)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, **close)


def test_norms_neither_overflow_nor_vanish():
    for scale in (1e-200, 1e200):
        zeros = np.zeros(4)
        size = kernel(xp, plain.advance)(zeros.copy(), np.full(4, scale), zeros, zeros, 1.0, 1.0)[2]
        assert size == pytest.approx(2 * scale)
    assert kernel(xp, plain.advance)(*(np.zeros(0),) * 4, 1.0, 1.0)[2] == 0
