"""Kronecker products: against numpy.kron, brute force and exact arithmetic."""

from __future__ import annotations

import functools
import itertools
import math
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings, strategies as st

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    Product,
    cholesky,
    cond,
    diagonal,
    eig,
    eigh,
    expm,
    inv,
    logdet,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.testing import arrays

few = st.integers(1, 3)


@given(shapes=st.lists(st.tuples(few, few), min_size=1, max_size=4), data=st.data())
def test_entries_are_those_of_numpy_kron(shapes: Any, data: Any) -> None:
    factors = [data.draw(arrays(shape)) for shape in shapes]
    expected = functools.reduce(np.kron, factors)
    A = Kronecker(*factors)
    np.testing.assert_array_equal(A.todense(), expected)
    np.testing.assert_allclose(A @ np.eye(A.shape[1]), expected, rtol=0, atol=1e-11)


@given(data=st.data(), d=few)
def test_mixed_product_keeps_the_structure(data: Any, d: int) -> None:
    # (A₁ ⊗ A₂)(B₁ ⊗ B₂) = A₁B₁ ⊗ A₂B₂
    sizes = [(data.draw(few), data.draw(few), data.draw(few)) for _ in range(d)]
    A = Kronecker(*(data.draw(arrays((m, k))) for m, k, _ in sizes))
    B = Kronecker(*(data.draw(arrays((k, n))) for _, k, n in sizes))
    C = A @ B
    assert isinstance(C, Kronecker)
    np.testing.assert_allclose(C.todense(), A.todense() @ B.todense(), rtol=0, atol=1e-9)


def test_mixed_product_needs_matching_factors() -> None:
    A = Kronecker(np.ones((2, 3)), np.ones((3, 2)))
    B = Kronecker(np.ones((2, 2)), np.ones((3, 2)))
    assert isinstance(A @ B, Product)
    np.testing.assert_allclose((A @ B).todense(), A.todense() @ B.todense())


def test_mixed_product_of_runs_that_match() -> None:
    rng = np.random.default_rng(4)
    shapes = [(4, 3), (1, 1), (2, 2), (5, 6)], [(6, 3), (2, 1), (3, 5), (1, 2)]
    A, B = (Kronecker(*(rng.standard_normal(shape) for shape in row)) for row in shapes)
    C = A @ B
    # 3 · 1 · 2 columns meet 6 rows, then 6 columns meet 2 · 3 · 1 rows
    assert isinstance(C, Kronecker)
    assert [F.shape for F in C.factors] == [(8, 3), (5, 10)]
    np.testing.assert_allclose(C.todense(), A.todense() @ B.todense(), atol=1e-13)


def test_nested_products_are_one() -> None:
    A, B, C = np.ones((2, 1)), np.ones((1, 3)), np.ones((2, 2))
    nested = Kronecker(Kronecker(A, B), C)
    assert [F.shape for F in nested.factors] == [(2, 1), (1, 3), (2, 2)]


sides = st.integers(1, 12)


@settings(max_examples=200)
@given(shapes=st.lists(st.tuples(sides, sides), min_size=1, max_size=5))
def test_contraction_order_is_the_cheapest(shapes: list[tuple[int, int]]) -> None:
    def operations(order: Any) -> int:
        total, size = 0, Fraction(math.prod(n for _, n in shapes))
        for i in order:
            m, n = shapes[i]
            total += 2 * size * m
            size = size * m / n
        return total

    A = Kronecker(*(np.empty(shape) for shape in shapes))
    best = min(map(operations, itertools.permutations(range(len(shapes)))))
    assert operations(A.contraction_order) == best


@pytest.mark.parametrize(
    "shapes",
    [
        [(32, 32)] * 3,
        [(8, 8)] * 5,
        [(64, 16)] * 3,
        [(16, 64)] * 3,
        [(64, 4), (4, 64), (32, 32)],
        [(300, 300)] * 2,
    ],
)
@pytest.mark.parametrize("columns", [1, 8])
def test_extra_memory(shapes: list[tuple[int, int]], columns: int) -> None:
    A = Kronecker(*(np.ones(shape) for shape in shapes))
    X = np.ones((A.shape[1], columns))
    A @ X
    A.H @ np.ones((A.shape[0], 1))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        A @ X
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # the output is counted in
    assert peak <= 2.05 * 8 * columns * max(A.shape)


def test_complex_adjoint_is_no_transpose() -> None:
    rng = np.random.default_rng(1)
    B, C = rng.standard_normal((2, 3, 4)) + 1j * rng.standard_normal((2, 3, 4))
    y = rng.standard_normal(9)
    dense = np.kron(B, C)
    np.testing.assert_allclose(Kronecker(B, C).H @ y, dense.conj().T @ y)
    np.testing.assert_allclose(Kronecker(B, C).T @ y, dense.T @ y)
    np.testing.assert_allclose(y @ Kronecker(B, C), y @ dense)


def test_factors_that_are_operators_are_applied_by_structure() -> None:
    n = 10**4  # stored, the first factor would have 10⁸ entries
    A = Kronecker(Diagonal(np.arange(1.0, n + 1)), Identity(3), np.array([[2.0, 1.0]]))
    x = np.ones(A.shape[1])
    np.testing.assert_allclose(A @ x, np.repeat(3 * np.arange(1.0, n + 1), 3))


# determinants


def determinant(matrix: Any) -> Fraction:
    """Return the determinant in exact arithmetic, by elimination."""
    rows = [[Fraction(float(entry)) for entry in row] for row in matrix]
    result = Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            result = -result
        result *= rows[k][k]
        for i in range(k + 1, len(rows)):
            ratio = rows[i][k] / rows[k][k]
            rows[i] = [a - ratio * b for a, b in zip(rows[i], rows[k], strict=True)]
    return result


def log_of(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 999))
def test_slogdet_in_exact_arithmetic(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = [rng.integers(-9, 10, (n, n)) / 4 for n in sizes]
    N = math.prod(sizes)
    dets = [determinant(F) for F in factors]
    sign, logabsdet = slogdet(Kronecker(*factors))
    if 0 in dets:
        # LU in floating point may leave a pivot of rounding size
        assert (
            sign == 0
            or logabsdet
            < sum(
                N / n * log_of(max(abs(d), Fraction(1, 10**12)))
                for n, d in zip(sizes, dets, strict=True)
            )
            + 1
        )
        return
    terms = [N // n * log_of(abs(d)) for n, d in zip(sizes, dets, strict=True)]
    expected_sign = math.prod(
        (1 if d > 0 else -1) ** (N // n) for n, d in zip(sizes, dets, strict=True)
    )
    assert sign == expected_sign
    assert abs(logabsdet - sum(terms)) <= 1e-12 * max(sum(map(abs, terms)), N)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_slogdet_is_unchanged_by_scaling(scale: float) -> None:
    rng = np.random.default_rng(5)
    factors = []
    for n in (5, 7, 4):
        Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
        # eigenvalues of the product down to 1e-12: nothing may be clamped
        factors.append((Q * np.logspace(-4, 0, n)) @ Q.T)
    A = Kronecker(*factors)
    exact = sum(140 / n * math.log(math.prod(np.logspace(-4, 0, n))) for n in (5, 7, 4))
    plain, scaled = slogdet(A), slogdet(Kronecker(scale * factors[0], *factors[1:]))
    assert plain.sign == scaled.sign == 1
    assert plain.logabsdet == pytest.approx(exact, rel=1e-12)
    assert scaled.logabsdet == pytest.approx(exact + 140 * math.log(scale), rel=1e-12)
    assert slogdet(scale * A).logabsdet == pytest.approx(scaled.logabsdet, rel=1e-12)


def test_slogdet_of_complex_factors() -> None:
    rng = np.random.default_rng(2)
    B, C = rng.standard_normal((2, 3, 3)) + 1j * rng.standard_normal((2, 3, 3))
    sign, logabsdet = slogdet(Kronecker(B, C))
    expected = np.linalg.slogdet(np.kron(B, C))
    np.testing.assert_allclose(sign, expected[0], rtol=1e-12)
    np.testing.assert_allclose(logabsdet, expected[1], rtol=1e-12)
    np.testing.assert_allclose(logdet(Kronecker(B, C)), expected[1] + 1j * np.angle(expected[0]))


def test_square_products_of_factors_that_are_not_square_are_singular() -> None:
    A = Kronecker(np.ones((2, 3)), np.ones((3, 2)))
    assert slogdet(A) == (0.0, -math.inf)
    with pytest.raises(np.linalg.LinAlgError, match="not square"):
        solve(A, np.ones(6))
    with pytest.raises(np.linalg.LinAlgError, match="not square"):
        inv(A)
    np.testing.assert_array_equal(diagonal(A), np.ones(6))
    assert trace(A) == 6


def test_singular_factor() -> None:
    A = Kronecker(np.eye(2), np.diag([1.0, 0.0]))
    assert slogdet(A) == (0.0, -math.inf)
    with pytest.raises(np.linalg.LinAlgError, match=r"2x2.*singular"):
        solve(A, np.ones(4))


# sizes beyond the integers of the machine


def test_64_factors() -> None:
    F = np.array([[2.0, 1.0], [0.0, -1.0]])
    A = Kronecker(*[F] * 64)
    assert A.shape == (2**64, 2**64)
    assert repr(A).count("\n") == 0
    sign, logabsdet = slogdet(A)
    # det F = -2 to an even power 2⁶³, for 64 factors
    assert sign == 1
    assert logabsdet == pytest.approx(64 * 2**63 * math.log(2), rel=1e-12)
    assert trace(A) == 1
    assert A[0, 2**64 - 1] == 1
    assert A[2**64 - 1, 2**64 - 1] == 1
    assert inv(A).shape == pinv(A).shape == A.shape
    assert rank(A) == 2**64
    assert rank(Kronecker(*[np.ones((2, 2))] * 63, np.eye(2))) == 2
    # σ₁² + σ₂² = 6 and σ₁ σ₂ = 2
    for ord, expected in (
        ("fro", 6**32),
        ("nuc", 10**32),
        (1, 2**64),
        (2, (3 + 5**0.5) ** 32),
        (math.inf, 3**64),
    ):
        assert norm(A, ord) == pytest.approx(expected, rel=1e-12)
    assert cond(A) == pytest.approx(((3 + 5**0.5) / 2) ** 64, rel=1e-12)
    # two negative definite factors at a time
    L = cholesky(Kronecker(*[-F @ F.T] * 64))
    assert slogdet(L).logabsdet == pytest.approx(64 * 2**63 * math.log(2), rel=1e-12)
    for refused in (
        A.todense,
        lambda: A @ np.ones(4),
        lambda: A[0, :],
        lambda: diagonal(A),
        lambda: solve(A, np.ones(4)),
        lambda: lstsq(A, np.ones(4)),
        lambda: svd(A),
        lambda: svdvals(A),
        lambda: eig(A),
        lambda: expm(A),
        lambda: eigh(Kronecker(*[np.eye(2)] * 64)),
    ):
        with pytest.raises(ValueError, match="18446744073709551616"):
            refused()


def test_signs_of_odd_powers_beyond_the_integers_of_the_machine() -> None:
    # the power 3⁴⁰ of det = -1 is odd, and above 2⁶³ floats know no odd numbers
    A = Kronecker(Diagonal(np.array([1.0, 1.0, -1.0])), *[np.eye(3)] * 40)
    assert slogdet(A).sign == -1
    assert slogdet(-1 * Kronecker(*[np.eye(3)] * 41)).sign == -1
    B = Kronecker(np.diag([1j, 1, 1]), *[np.eye(3)] * 41)
    assert slogdet(B).sign == 1j ** (3**41 % 4)


# least squares, decompositions and norms


@pytest.mark.parametrize("shapes", [[(6, 3), (4, 2)], [(2, 5), (6, 4)], [(3, 3), (2, 4)]])
@pytest.mark.parametrize("deficient", [False, True])
def test_least_squares_of_least_norm(shapes: Any, deficient: bool) -> None:
    rng = np.random.default_rng(9)
    factors = [rng.standard_normal(shape) for shape in shapes]
    if deficient:
        factors[0][:, -1] = factors[0][:, 0]
        factors[0][-1] = factors[0][0]
    A, D = Kronecker(*factors, Identity(2)), functools.reduce(np.kron, [*factors, np.eye(2)])
    B = rng.standard_normal((A.shape[0], 3)) + 1j * rng.standard_normal((A.shape[0], 3))
    expected = np.linalg.pinv(D) @ B
    bound = 1e-13 * cond(Dense(factors[1])) * 100
    np.testing.assert_allclose(lstsq(A, B), expected, atol=bound)
    np.testing.assert_allclose(pinv(A) @ B, expected, atol=bound)
    assert rank(A) == np.linalg.matrix_rank(D)


@pytest.mark.parametrize("shapes", [[(6, 3), (4, 2)], [(2, 3), (3, 2)], [(3, 3), (2, 2)]])
def test_singular_values_and_norms_are_products(shapes: Any) -> None:
    rng = np.random.default_rng(10)
    factors = [rng.standard_normal(shape) + 1j * rng.standard_normal(shape) for shape in shapes]
    A, D = Kronecker(*factors), functools.reduce(np.kron, factors)
    U, S, Vh = svd(A).sorted()
    s = np.linalg.svd(D, compute_uv=False)
    np.testing.assert_allclose(svdvals(A), s, atol=1e-14 * s[0])
    np.testing.assert_allclose(S, s[: len(S)], rtol=1e-12)
    np.testing.assert_allclose(U.todense() * S @ Vh.todense(), D, atol=1e-13)
    for ord in ("fro", "nuc", 1, 2, math.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-13)
    expected = math.inf if shapes[0] == (2, 3) else s[0] / s[-1]
    np.testing.assert_allclose(cond(A), expected, rtol=1e-12)
    if A.shape[0] == A.shape[1]:
        expected = math.inf if shapes[0] == (2, 3) else np.linalg.cond(D, 1)
        np.testing.assert_allclose(cond(A, 1), expected, rtol=1e-12)


def test_eigenvalues_of_factors_that_are_not_hermitian() -> None:
    rng = np.random.default_rng(11)
    factors = rng.standard_normal((3, 3)), rng.standard_normal((4, 4))
    w, V = eig(Kronecker(*factors))
    np.testing.assert_allclose(np.kron(*factors) @ V.todense(), V.todense() * w, atol=1e-13)
    assert isinstance(V, Kronecker)


def test_cholesky_factors() -> None:
    rng = np.random.default_rng(12)
    F, G = (M @ M.T + np.eye(len(M)) for M in (rng.standard_normal((k, k)) for k in (3, 4)))
    for sign in (1, -1):
        L = cholesky(Kronecker(sign * F, sign * G))
        assert isinstance(L, Kronecker)
        np.testing.assert_allclose(L.todense(), np.linalg.cholesky(np.kron(F, G)), atol=1e-13)
    for bad in (Kronecker(F, -G), Kronecker(F, np.diag([1.0, -1.0]))):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            cholesky(bad)


def test_exponential() -> None:
    rng = np.random.default_rng(13)
    F, H = rng.standard_normal((2, 3, 3))
    one = expm(Kronecker(Identity(2), F, Identity(2)))
    assert isinstance(one, Kronecker)
    for A, D in (
        (one, np.kron(np.kron(np.eye(2), F), np.eye(2))),
        (expm(Kronecker(H + H.T, F + F.T)), np.kron(H + H.T, F + F.T)),
        (expm(Kronecker(H, F)), np.kron(H, F)),
    ):
        exact = scipy.linalg.expm(D)
        np.testing.assert_allclose(A.todense(), exact, atol=1e-13 * np.abs(exact).max())


# errors


def test_no_factors() -> None:
    with pytest.raises(ValueError, match="no factors"):
        Kronecker()


@pytest.mark.parametrize("bad", [[[1.0, 2.0]], "matrix", 3.0])
def test_factors_that_are_no_matrices(bad: Any) -> None:
    with pytest.raises(TypeError, match="is no matrix"):
        Kronecker(np.eye(2), bad)


def test_factors_of_one_dimension() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        Kronecker(np.ones(3))


def test_nan_propagates_in_products_and_raises_in_solves() -> None:
    broken = np.array([[1.0, np.nan], [0.0, 1.0]])
    A = Kronecker(np.eye(2), broken)
    assert np.isnan((A @ np.ones(4))[[0, 2]]).all()
    for use in (lambda: solve(A, np.ones(4)), lambda: slogdet(A), lambda: inv(A), lambda: eigh(A)):
        with pytest.raises(ValueError, match=r"NaN or Inf at \[\d, \d\]"):
            use()


def test_solve_in_the_precision_of_the_result() -> None:
    rng = np.random.default_rng(3)
    B = rng.standard_normal((5, 5)).astype(np.float32)
    b = rng.standard_normal(25)
    x = solve(Kronecker(B, B), b)
    assert x.dtype == np.float64
    exact = np.linalg.solve(np.kron(B.astype(float), B), b)
    np.testing.assert_allclose(x, exact, rtol=1e-9)


def test_eigenvalues_are_products() -> None:
    a, b = np.array([1.0, -2.0, 4.0]), np.array([0.5, 3.0])
    w = eigh(Kronecker(np.diag(a), np.diag(b))).sorted().eigenvalues
    np.testing.assert_allclose(w, np.sort(np.outer(a, b).ravel()))


def test_product_of_skew_factors_is_hermitian_all_the_same() -> None:
    S = np.array([[0.0, 1.0], [-1.0, 0.0]])
    w = eigh(Kronecker(S, S)).sorted().eigenvalues
    np.testing.assert_allclose(w, [-1, -1, 1, 1], atol=1e-14)


def test_dense_factor_stays_shared() -> None:
    F = np.ones((2, 2))
    assert Kronecker(F).factors[0].array is F  # type: ignore[attr-defined]
    assert isinstance(Kronecker(F).factors[0], Dense)
