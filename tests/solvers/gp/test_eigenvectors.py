"""Products with the eigenvectors of Kronecker products, and the passes over memory they need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._backend import kernel, namespace
from structlin._kernels import kronecker_eigen
from structlin.bases import Grid
from structlin.covariance import Matern, Periodic
from structlin.solvers.gp._factors import factor
from structlin.solvers.gp._rotation import _halved, from_eigenvectors, into_eigenvectors

XP = namespace(np.empty(0))


@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    folded=st.tuples(*[st.booleans()] * 3),
    single=st.booleans(),
    in_place=st.booleans(),
)
def test_compiled_mirror_sums_equal_plain_ones(
    shape: Any, folded: Any, single: bool, in_place: bool
) -> None:
    X = np.random.default_rng(1).standard_normal(shape).astype(np.float32 if single else float)
    plain = kronecker_eigen.mirror_sums(X, folded)
    kept = X.copy()
    compiled = kernel(XP, kronecker_eigen.mirror_sums)(X, folded, in_place)
    assert compiled.dtype == plain.dtype == X.dtype
    np.testing.assert_array_equal(compiled, plain)
    assert in_place or np.array_equal(X, kept)


def test_mirror_sums_of_a_row() -> None:
    row = np.asarray([[[1.0, 2.0, 3.0, 5.0, 8.0]]])
    expected = [9.0, 7.0, 3.0, -3.0, -7.0]
    np.testing.assert_array_equal(
        kronecker_eigen.mirror_sums(row, (False, False, True))[0, 0], expected
    )


@given(
    rows=st.integers(1, 9),
    n=st.integers(1, 6),
    noise=st.sampled_from([0.0, 1e-200, 1e-3, 1.0, 1e200]),
    single=st.booleans(),
)
def test_compiled_division_equals_the_plain_one(
    rows: int, n: int, noise: float, single: bool
) -> None:
    rng = np.random.default_rng(rows * n)
    T = rng.standard_normal((rows, n)).astype(np.float32 if single else float)
    leading, last = rng.uniform(0.1, 1.0, rows), rng.uniform(0.1, 1.0, n)
    plain = kronecker_eigen.divided(T.copy(), leading, last, noise)
    compiled = kernel(XP, kronecker_eigen.divided)(T.copy(), leading, last, noise)
    assert compiled[0].dtype == T.dtype
    np.testing.assert_allclose(compiled[0], plain[0], rtol=1e-6 if single else 1e-14)
    np.testing.assert_allclose(compiled[1:], plain[1:], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "sizes", [(64,), (33, 256), (300, 32), (9, 35, 40), (33, 16, 34), (33, 32, 9), (33, 2, 4, 35)]
)
def test_halves_give_the_products_with_all_eigenvectors(count: int, sizes: tuple[int, ...]) -> None:
    grid = Grid(*(np.linspace(0.0, 1.0, n) for n in sizes))
    kernels = [Matern(1.5, 0.3), Periodic(0.7) * Matern(2.5), Matern(0.5), Matern(2.5, 0.1)]
    factors = [factor(kernels[j], grid, j) for j in range(len(sizes))]
    assert any(_halved(factors, np.empty((count, *sizes)))) == (len(sizes) > 1)
    assert all(f.evens == n - n // 2 for f, n in zip(factors, sizes, strict=True) if n > 1)
    X = np.random.default_rng(3).standard_normal((count, *sizes))
    kept, expected = X.copy(), X
    for j, f in enumerate(factors):
        expected = np.moveaxis(np.tensordot(f.vectors.T, expected, (1, j + 1)), 0, j + 1)
    found = into_eigenvectors(factors, X)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(X, kept)
    back = from_eigenvectors(factors, found)
    np.testing.assert_allclose(back, X, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)  # left as it was
    np.testing.assert_allclose(
        from_eigenvectors(factors, found.copy(), owned=True), X, rtol=0, atol=1e-12
    )
    single = into_eigenvectors(factors, X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-3)
