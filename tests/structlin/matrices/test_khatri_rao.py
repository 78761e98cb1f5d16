"""Khatri–Rao and face-splitting products: against SciPy, NumPy and formulas."""

from __future__ import annotations

import functools
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from structlin.matrices import (
    Dense,
    Diagonal,
    FaceSplitting,
    KhatriRao,
    Kronecker,
    Selected,
    cond,
    diagonal,
    explain,
    lstsq,
    norm,
    pinv,
    rank,
    svd,
    svdvals,
)
from structlin.testing import arrays
from tests.conftest import ArrayLibrary

few = st.integers(0, 4)


@given(rows=st.lists(few, min_size=1, max_size=4), n=few, data=st.data())
def test_entries_are_those_of_scipy(rows: list[int], n: int, data: Any) -> None:
    factors = [data.draw(arrays((m, n))) for m in rows]
    if 0 in (*rows, n):
        expected = np.zeros((math.prod(rows), n))  # SciPy does not take empty factors
    else:
        expected = functools.reduce(scipy.linalg.khatri_rao, factors)
    A = KhatriRao(*factors)
    np.testing.assert_array_equal(A.todense(), expected)
    np.testing.assert_allclose(A @ np.eye(n), expected, atol=1e-10)
    np.testing.assert_allclose(A.H @ np.eye(len(expected)), expected.T, atol=1e-10)
    B = FaceSplitting(*(F.T for F in factors))
    np.testing.assert_array_equal(B.todense(), expected.T)
    np.testing.assert_allclose(B @ np.eye(len(expected)), expected.T, atol=1e-10)


def test_product_is_a_matrix_product_of_the_factors() -> None:
    # A @ x = vec(A₁ diag(x) A₂ᵀ)
    rng = np.random.default_rng(1)
    F, G, x = rng.standard_normal((4, 3)), rng.standard_normal((5, 3)), rng.standard_normal(3)
    np.testing.assert_allclose(KhatriRao(F, G) @ x, (F @ np.diag(x) @ G.T).ravel())
    c = rng.standard_normal(20)
    values = FaceSplitting(F.T, G.T) @ c
    np.testing.assert_allclose(values, np.einsum("aj,ab,bj->j", F, c.reshape(4, 5), G))


def test_the_matrix_is_not_formed() -> None:
    A = KhatriRao(*(np.ones((100, 50)) for _ in range(2)))
    for k, M in ((1, 100 * 100), (3, 100 * 100)):
        for B, size in ((A, 50), (A.T, M)):
            X = np.ones((size, k))
            tracemalloc.start()
            try:
                B @ X
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert peak < 8 * 50 * 10**4 / 4  # a quarter of the entries


def test_transposes_and_products_keep_the_structure() -> None:
    rng = np.random.default_rng(2)
    shapes = (4, 3), (5, 3)
    A = KhatriRao(*(rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in shapes))
    K = Kronecker(rng.standard_normal((2, 4)), rng.standard_normal((3, 5)))
    d = Diagonal(rng.standard_normal(3))
    D, E = A.todense(), K.todense()
    for made, kind, expected in (
        (A.T, FaceSplitting, D.T),
        (A.H, FaceSplitting, D.conj().T),
        (A.H.H, KhatriRao, D),
        (2j * A, KhatriRao, 2j * D),
        (-A.T, FaceSplitting, -D.T),
        (A.H @ A, Dense, D.conj().T @ D),
        (K @ A, KhatriRao, E @ D),
        (A.T @ K.T, FaceSplitting, D.T @ E.T),
        (A @ d, KhatriRao, D * d.entries),
        (d @ A.T, FaceSplitting, d.entries[:, None] * D.T),
        (A[:, [2, 0]], KhatriRao, D[:, [2, 0]]),
        (A.T[::2, :], FaceSplitting, D.T[::2]),
        (A[1:3, :2], Selected, D[1:3, :2]),
    ):
        assert isinstance(made, kind)
        np.testing.assert_allclose(made.todense(), expected, atol=1e-13)
    np.testing.assert_allclose(A[7, :], D[7])
    np.testing.assert_allclose(A.T[:, 7], D[7])
    np.testing.assert_allclose(diagonal(A), np.diag(D))
    np.testing.assert_allclose(diagonal(A.T), np.diag(D))


@pytest.mark.parametrize("rows", [(7, 9), (6, 2, 5), (2, 3), (30,)])
def test_norms_and_singular_values(rows: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    A = KhatriRao(*(rng.standard_normal((m, 4)) for m in rows))
    D = functools.reduce(scipy.linalg.khatri_rao, A.factors)
    for B, dense in ((A, D), (A.T, D.T)):
        for ord in ("fro", "nuc", 1, 2, math.inf):
            np.testing.assert_allclose(norm(B, ord), np.linalg.norm(dense, ord), rtol=1e-13)
        np.testing.assert_allclose(svdvals(B), np.linalg.svd(dense, compute_uv=False), rtol=1e-12)
        U, S, Vh = svd(B)
        np.testing.assert_allclose(U.todense() * S @ Vh.todense(), dense, atol=1e-13)
        np.testing.assert_allclose(pinv(B).todense(), np.linalg.pinv(dense), atol=1e-13)


@pytest.mark.parametrize("kind", ["well", "ill", "deficient", "zero column"])
def test_least_squares(kind: str, library: ArrayLibrary) -> None:
    rng = np.random.default_rng(4)
    # columns of sizes from 1e-6 to 1e6 are no ill condition of the scaled Gram matrix
    F, G = rng.standard_normal((20, 6)) * np.geomspace(1e-6, 1e6, 6), rng.standard_normal((9, 6))
    if kind != "well":
        F, G = np.vander(np.linspace(0, 1, 20), 6), np.vander(np.linspace(1, 2, 9), 6)
    if kind == "deficient":
        F[:, 1], G[:, 1] = F[:, 0], G[:, 0]
    if kind == "zero column":
        F[:, 1] = 0
    D = scipy.linalg.khatri_rao(F, G)
    b = rng.standard_normal((180, 2))
    A = KhatriRao(library.asarray(F), library.asarray(G))
    x = library.to_numpy(lstsq(A, library.asarray(b)))
    if kind == "well":
        scale = np.linalg.norm(D, axis=0)[:, None]
        exact = np.linalg.lstsq(D / scale.T, b, rcond=None)[0]
        np.testing.assert_allclose(x * scale, exact, atol=1e-13)
        assert explain("lstsq", A).how.startswith("normal equations")
    else:
        exact = np.linalg.lstsq(D, b, rcond=None)[0]
        s = np.linalg.svd(D, compute_uv=False)
        s = s[s > 1e-12 * s[0]]
        bound = 100 * np.finfo(float).eps * (s[0] / s[-1]) ** 2 * np.linalg.norm(exact)
        np.testing.assert_allclose(x, exact, atol=bound)
    assert rank(A) == np.linalg.matrix_rank(D)


@pytest.mark.parametrize("gap", [1e-1, 1e-2, 1e-4, 1e-7])
def test_least_squares_lose_no_more_than_the_condition(gap: float) -> None:
    # consistent systems: the error is that of eps cond, whether by normal equations or not
    t = np.linspace(0, 1, 40)
    F = np.stack([np.ones(40), 1 + gap * t, np.cos(3 * t)], axis=1)
    A = KhatriRao(F, F)
    x = np.array([1.0, -2.0, 3.0])
    error = np.linalg.norm(lstsq(A, A.todense() @ x) - x)
    assert error <= 100 * np.finfo(float).eps * float(cond(A)) * np.linalg.norm(x)


def test_interpolation_on_scattered_points() -> None:
    # a polynomial of degree 2 in each variable has 9 coefficients
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-1, 1, (2, 50))
    A = FaceSplitting(np.vander(x, 3), np.vander(y, 3))
    coefficients = np.arange(1.0, 10)
    terms = (c * x ** (2 - i // 3) * y ** (2 - i % 3) for i, c in enumerate(coefficients))
    values = sum(terms)
    np.testing.assert_allclose(A @ coefficients, values, rtol=1e-13)
    np.testing.assert_allclose(lstsq(A, values), coefficients, rtol=1e-12)
    # of fewer equations the solution of least norm
    part = A[:5, :]
    expected = np.linalg.pinv(part.todense()) @ values[:5]
    np.testing.assert_allclose(lstsq(part, values[:5]), expected, rtol=1e-10)


def test_single_precision() -> None:
    rng = np.random.default_rng(6)
    F, G = (rng.standard_normal((m, 3)).astype(np.float32) for m in (5, 6))
    A, b = KhatriRao(F, G), rng.standard_normal(30)
    assert lstsq(A, b.astype(np.float32)).dtype == np.float32
    D = scipy.linalg.khatri_rao(F.astype(float), G.astype(float))
    exact = np.linalg.lstsq(D, b, rcond=None)[0]
    np.testing.assert_allclose(lstsq(A, b), exact, rtol=1e-12)


def test_many_rows() -> None:
    # 10⁶ rows: 2 · 10⁷ entries if it were formed
    rng = np.random.default_rng(7)
    A = KhatriRao(*(rng.standard_normal((1000, 20)) for _ in range(2)))
    F, G = A.factors
    np.testing.assert_allclose(svdvals(A) ** 2, np.linalg.eigvalsh((F.T @ F) * (G.T @ G))[::-1])
    assert norm(A) == pytest.approx(math.sqrt(np.sum((F**2).sum(0) * (G**2).sum(0))))


def test_bad_factors() -> None:
    with pytest.raises(ValueError, match="no factors"):
        KhatriRao()
    with pytest.raises(ValueError, match=r"2x3, 3x2: KhatriRao needs as many columns"):
        KhatriRao(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"3x2, 2x2: FaceSplitting needs as many rows"):
        FaceSplitting(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        KhatriRao(np.ones(3))
    A = KhatriRao(np.full((3, 2), np.nan), np.ones((2, 2)))
    assert np.isnan(A @ np.ones(2)).all()
    with pytest.raises(ValueError, match=r"factors\[0\] has a NaN or Inf at \[0, 0\]"):
        lstsq(A, np.ones(6))
    assert KhatriRao(np.ones((2, 2), dtype=int)).dtype == np.float64


def test_entries_whose_squares_overflow() -> None:
    F = np.array([[3e200, 0.0], [4e200, 1e200]])
    A = KhatriRao(F, np.eye(2) * 1e-200)
    assert norm(A) == pytest.approx(math.sqrt(26))
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(lstsq(A, A @ x), x)


def test_products_in_the_precision_of_the_block() -> None:
    F = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32) / 3
    exact = functools.reduce(scipy.linalg.khatri_rao, [F.astype(float)] * 3)
    A = KhatriRao(F, F, F)
    np.testing.assert_allclose(A @ np.ones(2), exact @ np.ones(2), rtol=1e-15)
    np.testing.assert_allclose(A.H @ np.ones(27), exact.T @ np.ones(27), rtol=1e-14)
