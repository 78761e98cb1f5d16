"""Triangular matrices: what they ignore, what stays triangular, and SciPy's solutions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Triangular,
    eig,
    inv,
    lstsq,
    rank,
    slogdet,
    solve,
)
from tests.conftest import ArrayLibrary


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("lower", [False, True])
def test_solutions_are_those_of_scipy(
    lower: bool, unit: bool, library: ArrayLibrary, rng: np.random.Generator
) -> None:
    n = 40
    array = rng.standard_normal((n, n)) / n + 2 * np.eye(n)
    B = rng.standard_normal((n, 3))
    A = Triangular(library.asarray(array), lower=lower, unit_diagonal=unit)
    expected = scipy.linalg.solve_triangular(array, B, lower=lower, unit_diagonal=unit)
    X = library.to_numpy(solve(A, library.asarray(B)))
    np.testing.assert_allclose(X, expected, rtol=1e-12)
    np.testing.assert_allclose(library.to_numpy(A @ library.asarray(X)), B, rtol=1e-12)


def test_the_other_side_is_not_looked_at() -> None:
    array = np.array([[2.0, np.nan], [1.0, 4.0]])
    A = Triangular(array)
    np.testing.assert_array_equal(A.todense(), [[2, 0], [1, 4]])
    np.testing.assert_array_equal(solve(A, np.array([2.0, 5.0])), [1, 1])
    array[0, 0] = 7.0
    assert A[0, 0] == 2
    unit = Triangular(np.array([[np.inf, 3.0], [1.0, 0.0]]), lower=False, unit_diagonal=True)
    np.testing.assert_array_equal(unit.todense(), [[1, 3], [0, 1]])
    assert slogdet(unit) == (1, 0)


def test_what_stays_triangular(library: ArrayLibrary, rng: np.random.Generator) -> None:
    X, Y, d = (library.asarray(rng.standard_normal(s)) for s in ((4, 4), (4, 4), 4))
    L, M, U = Triangular(X), Triangular(Y), Triangular(X, lower=False)
    D = Diagonal(d)
    same = [L + M, L - 2 * M, L @ M, L + D, D + L, L @ D, D @ L, L + Identity(4, like=L), inv(L)]
    for A in [*same, 3 * L, U.T, U.H, inv(U).H]:
        assert isinstance(A, Triangular)
        assert A.lower
    for A in (L.T, L.H, inv(U), U @ U, U + U):
        assert isinstance(A, Triangular)
        assert not A.lower
    for A in (L + U, L @ U, L + X, L[1:, :2]):
        assert type(A) is Dense


def test_determinants_at_any_scale(rng: np.random.Generator) -> None:
    n = 400
    array = rng.standard_normal((n, n))
    expected = np.sum(np.log(np.abs(np.diag(array))))
    for scale in (1e-8, 1.0, 1e8):
        sign, logabsdet = slogdet(Triangular(scale * array))
        np.testing.assert_allclose(logabsdet, expected + n * np.log(scale), rtol=1e-12)
        assert sign == np.prod(np.sign(np.diag(array)))


def test_functions_of_dense_matrices_apply() -> None:
    A = Triangular(np.array([[1.0, 2.0], [0.0, 3.0]]), lower=False)
    np.testing.assert_allclose(np.sort(eig(A).eigenvalues), [1, 3])
    B = Triangular(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert rank(B) == 1
    np.testing.assert_allclose(lstsq(B, np.array([1.0, 3.0])), [2, 0], atol=1e-15)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="array is 2x3: a triangle is half of a square"):
        Triangular(np.ones((2, 3)))
    with pytest.raises(np.linalg.LinAlgError, match="an entry of the diagonal is zero"):
        solve(Triangular(np.array([[1.0, 5.0], [1.0, 0.0]])), np.ones(2))
    with pytest.raises(ValueError, match=r"A has a NaN or Inf at \[1, 0\]"):
        solve(Triangular(np.array([[1.0, 5.0], [np.nan, 1.0]])), np.ones(2))


def test_solutions_out_of_range_are_refused() -> None:
    A = Triangular(np.array([[1e-200, 0.0], [1.0, 1e-200]]))
    for call in (lambda: solve(A, np.ones(2)), lambda: inv(A)):
        with pytest.raises(np.linalg.LinAlgError, match="exceed the range of the data type"):
            call()
