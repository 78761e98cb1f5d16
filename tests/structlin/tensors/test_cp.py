"""Sums of rank-one terms against dense arrays, and their reduction where terms cancel."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.tensors import CP


def drawn(shape, rank, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)

    def draw(*size):
        real = rng.standard_normal(size)
        both = real + 1j * rng.standard_normal(size) if np.dtype(dtype).kind == "c" else real
        return both.astype(dtype)

    return draw(rank), [draw(n, rank) for n in shape]


def dense(weights, factors):
    letters = "abcde"[: len(factors)]
    inputs = ",".join(f"{letter}q" for letter in letters)
    return np.einsum(f"q,{inputs}->{letters}", weights, *factors)


def of_library(library, weights, factors):
    return CP(library.asarray(weights), [library.asarray(U) for U in factors])


problems = st.tuples(
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.integers(0, 9),
    st.sampled_from(["float32", "float64", "complex64", "complex128"]),
    st.integers(0, 99),
)


@given(problems, problems)
def test_algebra_is_that_of_arrays(library, problem, another):
    shape, rank, dtype, seed = problem
    a = drawn(shape, rank, dtype, seed)
    b = drawn(shape, another[1], another[2], another[3])
    A, B = dense(*a), dense(*b)
    S, T = of_library(library, *a), of_library(library, *b)
    eps = max(np.finfo(dtype).eps, np.finfo(another[2]).eps)
    size = float(100 * eps * (1 + np.max(np.abs(A)) + np.max(np.abs(B))))

    def close(found, expected, scale=1.0):
        return np.max(np.abs(library.to_numpy(found) - expected), initial=0) <= size * scale

    assert close(S.full(), A)
    assert close((S + T).full(), A + B)
    assert close((S - T).full(), A - B)
    assert close((2.5 * S).full(), 2.5 * A, 2.5)
    assert close((S / 4).full(), A / 4)
    assert (2.5 * S).dtype == S.dtype == library.dtype(dtype)
    norms = (1 + np.linalg.norm(A)) * (1 + np.linalg.norm(B)) * np.sqrt(A.size)
    assert close(S.inner(T), np.vdot(A, B), 10 * norms)
    assert S.norm() == pytest.approx(np.linalg.norm(A), abs=size * 10)


@given(problems)
def test_entries_and_parts(library, problem):
    shape, rank, dtype, seed = problem
    weights, factors = drawn(shape, rank, dtype, seed)
    A, T = dense(weights, factors), of_library(library, weights, factors)
    close = {"rtol": 0, "atol": 100 * np.finfo(dtype).eps * (1 + np.max(np.abs(A)))}
    rng = np.random.default_rng(seed)
    places = np.stack([rng.integers(-n, n, size=5) for n in shape], axis=1)
    found = library.to_numpy(T.at(library.asarray(places)))
    np.testing.assert_allclose(found, A[tuple(places.T)], **close)
    last = T[..., -1]
    found = last.full() if len(shape) > 1 else last
    np.testing.assert_allclose(library.to_numpy(found), A[..., -1], **close)
    np.testing.assert_allclose(
        library.to_numpy(T[: shape[0] // 2].full()), A[: shape[0] // 2], **close
    )


@given(problems, st.sampled_from([1e-1, 1e-3, 1e-6, None]))
def test_the_reduction_meets_its_tolerance(library, problem, tol):
    shape, rank, dtype, seed = problem
    weights, factors = drawn(shape, rank, dtype, seed)
    weights = weights * (0.1 ** np.arange(rank)).astype(weights.real.dtype)
    A = dense(weights, factors)
    T = of_library(library, weights, factors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of single precision
        reduced = T.to_tucker(tol)
    assert reduced.dtype == T.dtype
    error = np.linalg.norm(library.to_numpy(reduced.full()) - A)
    terms = np.sum(np.abs(weights) * np.prod([np.linalg.norm(U, axis=0) for U in factors], axis=0))
    assert error <= 1.001 * (tol or 0) * np.linalg.norm(A) + 40 * np.finfo(dtype).eps * terms
    for U in reduced.factors:
        if rank:
            U = library.to_numpy(U)
            identity = np.eye(U.shape[1])
            assert np.max(np.abs(U.conj().T @ U - identity)) <= 40 * np.finfo(dtype).eps


def cancelling(gap, seed=3):
    """Two huge terms of opposite sign that differ by ``gap``, and what is left of them."""
    rng = np.random.default_rng(seed)
    u, v, w = (rng.standard_normal(n) for n in (20, 21, 22))
    w = np.round(w * 2**20) / 2**20
    other = w + gap * np.arange(22)  # exact in double precision
    factors = [np.stack([x, y], axis=1) for x, y in ((u, u), (v, v), (w, other))]
    rest = gap * 1e8 * np.einsum("a,b,c->abc", u, v, np.arange(22.0))
    return np.array([-1e8, 1e8]), factors, rest


@pytest.mark.parametrize(("gap", "tol"), [(2.0**-10, 1e-8), (2.0**-20, 1e-6)])
def test_terms_that_cancel_keep_their_digits(gap, tol):
    weights, factors, rest = cancelling(gap)
    reduced = CP(weights, factors).to_tucker(tol)
    assert np.linalg.norm(reduced.full() - rest) <= tol * np.linalg.norm(rest)
    assert reduced.ranks == (1, 1, 1)
    assert CP(weights, factors).norm() == pytest.approx(np.linalg.norm(rest), rel=1e-7)


def test_terms_that_cancel_to_rounding_errors_are_flagged():
    weights, factors, rest = cancelling(2.0**-20)
    with pytest.warns(ConvergenceWarning, match="cancel"):
        reduced = CP(weights, factors).to_tucker(1e-12)
    error = np.linalg.norm(reduced.full() - rest) / np.linalg.norm(rest)
    assert error < 1e-7


def test_the_same_term_twice_with_opposite_signs_is_noise_or_zero():
    rng = np.random.default_rng(1)
    factors = [np.repeat(rng.standard_normal((n, 1)), 2, axis=1) for n in (4, 5, 6)]
    T = CP(np.array([1.0, -1.0]), factors)
    assert T.norm() <= 1e-15 * np.prod([np.linalg.norm(U) for U in factors])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert np.max(np.abs(T.to_tucker(1e-3).full())) < 1e-14


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e100, 1e200])
def test_scales(scale):
    weights, factors = drawn((5, 6, 7), 4)
    A = dense(weights, factors)
    T = CP(weights, [factors[0] * scale, *factors[1:]])
    assert T.norm() == pytest.approx(scale * np.linalg.norm(A), rel=1e-12)
    np.testing.assert_allclose(T.to_tucker(1e-10).full() / scale, A, atol=1e-9 * np.max(np.abs(A)))


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e300])
def test_terms_whose_factors_have_scales_that_cancel_out(library, scale):
    weights, factors = drawn((5, 6, 7), 4)
    A, scales = dense(weights, factors), np.array([1.0, scale, 1.0, 1 / scale])
    T = of_library(library, weights, [factors[0] * scales, factors[1] / scales, factors[2]])
    assert T.norm() == pytest.approx(np.linalg.norm(A), rel=1e-12)
    np.testing.assert_allclose(library.to_numpy(T.to_tucker(1e-10).full()), A, atol=1e-8)


def test_a_norm_with_nan_is_nan():
    assert np.isnan(CP(np.array([1.0, np.nan]), [np.ones((3, 2))] * 2).norm())


def test_zeros_and_no_terms():
    for T in (
        CP(np.zeros(3), [np.ones((4, 3)), np.ones((5, 3))]),
        CP(np.ones(0), [np.ones((4, 0)), np.ones((5, 0))]),
        CP(None, [np.zeros((4, 2)), np.ones((5, 2))]),
    ):
        assert T.norm() == 0
        assert np.array_equal(T.full(), np.zeros((4, 5)))
        assert np.array_equal(T.to_tucker(1e-6).full(), np.zeros((4, 5)))
    assert CP(None, [np.ones((4, 2), np.float32)]).dtype == np.float32


def test_large_sizes_are_reduced_without_the_array():
    x = np.linspace(0, 1, 100_000)
    # sin(x + y + z) has rank 2 along every axis
    s, c = np.sin(x), np.cos(x)
    T = CP(
        np.array([1.0, 1.0, 1.0, -1.0]),
        [np.stack(part, axis=1) for part in ((s, c, c, s), (c, s, c, s), (c, c, s, s))],
    )
    reduced = T.to_tucker(1e-12)
    assert reduced.ranks == (2, 2, 2)
    rows = [U[[7, 99_000]] for U in reduced.factors]
    found = np.einsum("abc,pa,pb,pc->p", reduced.core, *rows)
    np.testing.assert_allclose(found, np.sin(3 * x[[7, 99_000]]), atol=1e-11)
    with pytest.raises(MemoryError, match="max_bytes"):
        T.full()


def test_bad_input():
    ones = np.ones((3, 2))
    with pytest.raises(ValueError, match="column for every weight"):
        CP(np.ones(3), [ones, ones])
    with pytest.raises(ValueError, match=r"\(R,\)"):
        CP(np.ones((2, 1)), [ones])
    with pytest.raises(ValueError, match="no factors"):
        CP(np.ones(2), [])
    bad = ones.copy()
    bad[2, 0] = np.nan
    with pytest.raises(ValueError, match=r"factors\[1\] has a NaN or Inf at \[2, 0\]"):
        CP(np.ones(2), [ones, bad]).to_tucker()
    with pytest.raises(ValueError, match="shapes"):
        CP(np.ones(2), [ones]) + CP(np.ones(2), [np.ones((4, 2))])
    with pytest.raises(ValueError, match="tol"):
        CP(np.ones(2), [ones]).to_tucker(-1.0)
    with pytest.raises(IndexError):
        CP(np.ones(2), [ones, ones])[5, 0]
    with pytest.raises(TypeError):
        CP(np.ones(2), [ones]) + 3
    with pytest.raises(TypeError):
        CP(np.ones(2), [ones]) * np.ones(2)
    weights, factors = drawn((20, 20, 20), 30)
    with pytest.raises(MemoryError, match="core"):
        CP(weights, factors).to_tucker(1e-10, max_bytes=1000)


def test_a_product_of_sizes_in_range_is_found_whatever_its_factors_are():
    weights, factors = drawn((5, 6, 7), 4)
    A = dense(weights, factors)
    scales = [1e-200, 1e-200, 1e300]
    T = CP(1e80 * weights, [s * U for s, U in zip(scales, factors, strict=True)])
    assert T.norm() == pytest.approx(1e-20 * np.linalg.norm(A), rel=1e-12)
    with pytest.raises(OverflowError, match="scale"):
        CP(1e200 * weights, [1e200 * factors[0], *factors[1:]]).norm()
