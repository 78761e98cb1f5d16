"""Band matrices: against SciPy's band solvers, and spectra in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, strategies as st

from structlin.matrices import (
    Banded,
    Dense,
    Diagonal,
    Identity,
    Inverse,
    cholesky,
    eigh,
    explain,
    inv,
    logdet,
    norm,
    slogdet,
    solve,
    svdvals,
    trace,
)
from structlin.matrices._cyclic import solve_bands
from structlin.testing import arrays
from tests.conftest import ArrayLibrary

widths = st.integers(0, 3)


def _dense(bands: np.ndarray, lower: int, upper: int) -> np.ndarray:
    # the definition: bands[upper + i - j, j] = A[i, j]
    n = bands.shape[1]
    A = np.zeros((n, n), dtype=bands.dtype)
    for i in range(n):
        for j in range(max(i - lower, 0), min(i + upper + 1, n)):
            A[i, j] = bands[upper + i - j, j]
    return A


def _second_difference(n: int) -> Banded:
    return Banded.tridiagonal(-np.ones(n - 1), np.full(n, 2.0), -np.ones(n - 1))


@given(data=st.data(), n=st.integers(0, 5), lower=widths, upper=widths)
def test_entries_are_in_the_order_of_lapack(data: st.DataObject, n: int, lower: int, upper: int):
    bands = data.draw(arrays((lower + upper + 1, n)))
    A, D = Banded(bands, lower=lower, upper=upper), _dense(bands, lower, upper)
    np.testing.assert_array_equal(A.todense(), D)
    np.testing.assert_array_equal(A.T.todense(), D.T)
    assert A.lower <= max(n - 1, 0)


@given(data=st.data(), n=st.integers(1, 5))
def test_sums_and_products_are_banded(data: st.DataObject, n: int) -> None:
    A, B = (
        Banded(data.draw(arrays((a + b + 1, n))), lower=a, upper=b)
        for a, b in (data.draw(st.tuples(widths, widths)) for _ in range(2))
    )
    D = Diagonal(data.draw(arrays(n)))
    one = Identity(n)
    results = [A + B, A - B, A @ B, A @ A.T, A + D, D + A, D @ A, A @ D, 3 * A - 2 * one]
    a, b, d = A.todense(), B.todense(), D.todense()
    expected = [a + b, a - b, a @ b, a @ a.T, a + d, d + a, d @ a, a @ d, 3 * a - 2 * np.eye(n)]
    for found, matrix in zip(results, expected, strict=True):
        assert isinstance(found, Banded)
        np.testing.assert_allclose(found.todense(), matrix, atol=1e-12)
    assert isinstance(A + np.eye(n), Dense)


def test_unused_corners_are_not_looked_at() -> None:
    bands = np.array([[np.nan, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, np.inf]])
    A = Banded(bands, lower=1, upper=1)
    np.testing.assert_array_equal(A @ np.ones(3), [4, 12, 12])
    assert norm(A, "fro") == math.sqrt(140)
    assert np.all(np.isfinite(solve(A, np.ones(3))))


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 1), (1, 0), (0, 1), (2, 1), (3, 5)])
@pytest.mark.parametrize("dtype", ["f", "d", "F", "D"])
def test_solutions_are_those_of_scipy(
    lower: int, upper: int, dtype: str, rng: np.random.Generator
) -> None:
    n = 50
    bands = rng.standard_normal((lower + upper + 1, n)).astype(dtype)
    bands[upper] += 4
    A, B = Banded(bands, lower=lower, upper=upper), rng.standard_normal((n, 2)).astype(dtype)
    expected = scipy.linalg.solve_banded((lower, upper), bands, B)
    rtol = 1e-3 if dtype in "fF" else 1e-11
    for _ in range(2):  # the second time with the factorisation that is kept
        X = solve(A, B)
        assert X.dtype == B.dtype
        np.testing.assert_allclose(X, expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(inv(A) @ B, expected, rtol=rtol, atol=rtol)
    assert isinstance(inv(A), Inverse)
    np.testing.assert_allclose(
        slogdet(A), np.linalg.slogdet(_dense(bands, lower, upper)), rtol=rtol, atol=rtol
    )


def test_mixed_types_have_the_precision_of_the_result(rng: np.random.Generator) -> None:
    bands = rng.standard_normal((3, 9)).astype("f")
    bands[1] += 4
    A = Banded(bands, lower=1, upper=1)
    b = rng.standard_normal(9) + 1j * rng.standard_normal(9)
    np.testing.assert_allclose(A.todense() @ solve(A, b), b, rtol=1e-12)
    real = Banded(np.float64(A.bands), lower=1, upper=1)
    np.testing.assert_allclose(real @ solve(real, b), b, rtol=1e-12)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_definite_matrices(width: int, rng: np.random.Generator) -> None:
    n = 30
    half = rng.standard_normal((width + 1, n)) + 1j * rng.standard_normal((width + 1, n))
    half[0] = 4 * (width + 1)
    A = Banded(half, lower=width, upper=0)
    A = A + A.H
    lower_half = A.bands[width:]
    b = rng.standard_normal(n)
    np.testing.assert_allclose(
        solve(A, b), scipy.linalg.solveh_banded(lower_half, b, lower=True), rtol=1e-12
    )
    L = cholesky(A)
    assert isinstance(L, Banded)
    assert (L.lower, L.upper) == (width, 0)
    np.testing.assert_allclose((L @ L.H).todense(), A.todense(), atol=1e-13)
    np.testing.assert_allclose(L.todense(), np.linalg.cholesky(A.todense()), atol=1e-13)
    for other in (A - 9 * (width + 1) * Identity(n), A - 40 * Identity(n)):
        with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
            cholesky(other)
        np.testing.assert_allclose(other @ solve(other, b), b, atol=1e-11)


def test_spectrum_of_the_second_difference() -> None:
    # λ_k = 2 - 2 cos(k π / (n + 1)), det = n + 1
    n = 60
    A = _second_difference(n)
    expected = 2 - 2 * np.cos(np.arange(1, n + 1) * np.pi / (n + 1))
    w, V = eigh(A)
    np.testing.assert_allclose(w, expected, atol=1e-14)
    np.testing.assert_allclose(V.H @ V.todense(), np.eye(n), atol=1e-13)
    np.testing.assert_allclose(svdvals(A), expected[::-1], atol=1e-14)
    np.testing.assert_allclose(math.exp(logdet(A)), n + 1)
    assert trace(A) == 2 * n
    assert "from the bands" in explain("svdvals", A).how
    with pytest.raises(ValueError, match="is not Hermitian"):
        eigh(A + Banded.tridiagonal(np.ones(n - 1), np.zeros(n), np.zeros(n - 1)))


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_determinants_and_solutions_at_any_scale(scale: float) -> None:
    n = 20_000
    A = scale * _second_difference(n)
    np.testing.assert_allclose(logdet(A), math.log(n + 1) + n * math.log(scale), rtol=1e-10)
    # A x = 1 for x = i (n + 1 - i) / 2
    i = np.arange(1, n + 1)
    np.testing.assert_allclose(solve(A, np.full(n, scale)), i * (n + 1 - i) / 2, rtol=1e-6)


def test_rows_are_exchanged_where_needed() -> None:
    A = Banded.tridiagonal(np.ones(3), np.zeros(4), np.ones(3))
    np.testing.assert_allclose(A @ solve(A, np.arange(4.0)), np.arange(4.0))
    assert slogdet(A) == (1, 0)
    odd = Banded.tridiagonal(np.ones(2), np.zeros(3), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match="is singular: a pivot is zero"):
        solve(odd, np.ones(3))
    with pytest.raises(np.linalg.LinAlgError, match="is singular: a pivot is zero"):
        inv(odd)
    assert slogdet(odd) == (0, -math.inf)


def test_tridiagonal_from_its_diagonals(library: ArrayLibrary) -> None:
    below, middle, above = np.array([1.0, 2.0]), np.array([3j, 4, 5]), np.array([6.0, 7.0])
    A = Banded.tridiagonal(*(library.asarray(x) for x in (below, middle, above)))
    expected = np.diag(below, -1) + np.diag(middle) + np.diag(above, 1)
    np.testing.assert_array_equal(library.to_numpy(A.todense()), expected)
    assert Banded.tridiagonal(*(np.ones(k) for k in (0, 1, 0))).todense() == 1
    assert Banded.tridiagonal(*(np.ones(0) for _ in range(3))).shape == (0, 0)


def test_norms_and_products_of_a_long_one(rng: np.random.Generator) -> None:
    n = 100_000
    bands = rng.standard_normal((4, n))
    A = Banded(bands, lower=1, upper=2)
    theirs = scipy.sparse.dia_array((bands, [2, 1, 0, -1]), shape=(n, n)).tocsr()
    x = rng.standard_normal(n)
    np.testing.assert_allclose(A @ x, theirs @ x, atol=1e-12)
    np.testing.assert_allclose(A.T @ x, theirs.T @ x, atol=1e-12)
    np.testing.assert_allclose(norm(A, 1), abs(theirs).sum(axis=0).max())
    np.testing.assert_allclose(norm(A, np.inf), abs(theirs).sum(axis=1).max())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 5\): .* they need 3 rows"):
        Banded(np.ones((2, 5)), lower=1, upper=1)
    with pytest.raises(ValueError, match=r"shape \(1, 5\): .*lower=-1"):
        Banded(np.ones((1, 5)), lower=-1, upper=1)
    with pytest.raises(ValueError, match=r"shapes \(3,\), \(3,\), \(2,\): they need n - 1"):
        Banded.tridiagonal(np.ones(3), np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="A has a NaN or Inf"):
        solve(Banded(np.full((1, 3), np.nan), lower=0, upper=0), np.ones(3))


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, 1), (2, 0), (1, 3)])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 31])
def test_cyclic_reduction_solves_dominant_systems(
    n: int, lower: int, upper: int, xp: Any, rng: np.random.Generator, library: ArrayLibrary
) -> None:
    bands = rng.uniform(-1, 1, (lower + upper + 1, n)) + 1j * rng.uniform(
        -1, 1, (lower + upper + 1, n)
    )
    bands[upper] += 2 * (lower + upper + 1)
    A = Banded(library.asarray(bands), lower=lower, upper=upper)
    B = rng.standard_normal((n, 2)).astype(complex)
    X = solve_bands(A.bands, A.lower, A.upper, library.asarray(B), xp)
    expected = np.linalg.solve(_dense(bands, lower, upper), B)
    np.testing.assert_allclose(library.to_numpy(X), expected, rtol=1e-13)


def test_long_systems_of_any_library(library: ArrayLibrary) -> None:
    n = 5000  # above the limit of the dense way; x = i (n + 1 - i) / 2
    one, two = library.asarray(np.ones(n - 1)), library.asarray(np.full(n, 2.0))
    x = solve(Banded.tridiagonal(-one, two, -one), library.asarray(np.ones(n)))
    i = np.arange(1, n + 1)
    np.testing.assert_allclose(library.to_numpy(x), i * (n + 1 - i) / 2, rtol=1e-8)


def test_indefinite_systems_of_any_library(library: ArrayLibrary) -> None:
    # the diagonal is zero: nothing goes without exchanges of rows
    one = library.asarray(np.ones(5))
    A = Banded.tridiagonal(one, library.asarray(np.zeros(6)), one)
    b = np.arange(6.0)
    x = library.to_numpy(solve(A, library.asarray(b)))
    np.testing.assert_allclose(library.to_numpy(A.todense()) @ x, b, atol=1e-14)


def test_dense_matrix_holds_an_infinite_entry_alone(library: ArrayLibrary) -> None:
    bands = np.array([[9.0, 1.0, np.inf], [2.0, 3.0, 4.0], [5.0, 6.0, 9.0]])
    A = Banded(library.asarray(bands), lower=1, upper=1)
    expected = [[2.0, 1.0, 0.0], [5.0, 3.0, np.inf], [0.0, 6.0, 4.0]]
    np.testing.assert_array_equal(library.to_numpy(A.todense()), expected)


def test_widths_and_diagonals_of_the_wrong_type() -> None:
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        Banded(np.ones((3, 4)), lower=1.0, upper=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no array among the arguments"):
        Banded.tridiagonal(np.ones(3), 4.0, np.ones(3))
