"""Toeplitz and Hankel matrices: against SciPy, and formulas for inverses and determinants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal

from structlin.matrices import (
    BlockToeplitz,
    Circulant,
    Hankel,
    Identity,
    LinearOperator,
    Selected,
    Toeplitz,
    explain,
    inv,
    is_hermitian,
    norm,
    slogdet,
    solve,
)
from structlin.testing import check_operator
from tests.conftest import ArrayLibrary

TYPES = ["float32", "float64", "complex64", "complex128"]


def numbers(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> Any:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def rel(x: Any, expected: Any) -> float:
    return float(np.linalg.norm(x - expected) / np.linalg.norm(expected))


def kms(n: int, a: float, b: float | None = None) -> Toeplitz:
    """Return the matrix of entries a^(i-j) and b^(j-i), whose determinant is (1 - a b)^(n-1)."""
    k = np.arange(n)
    return Toeplitz(a**k, (a if b is None else b) ** k)


# entries and products


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 5), (5, 2), (1, 4), (4, 1)])
def test_entries_are_those_of_scipy(shape: tuple[int, int], rng: Any) -> None:
    c, r = numbers(rng, shape[0], dtype="complex128"), numbers(rng, shape[1], dtype="complex128")
    np.testing.assert_array_equal(Toeplitz(c, r).todense(), scipy.linalg.toeplitz(c, r))
    np.testing.assert_array_equal(Toeplitz(c).todense(), scipy.linalg.toeplitz(c))
    np.testing.assert_array_equal(Hankel(c, r).todense(), scipy.linalg.hankel(c, r))
    np.testing.assert_array_equal(Hankel(c).todense(), scipy.linalg.hankel(c))


def test_the_corner_is_that_of_the_column() -> None:
    A = Toeplitz(np.array([1.0, 2.0]), np.array([np.nan, 3.0]))
    np.testing.assert_array_equal(A.todense(), [[1, 3], [2, 1]])
    np.testing.assert_array_equal(A.row, [1, 3])


# beyond the size at which matrices are stored, by every transform there is
LARGE = {
    "square": lambda x: Toeplitz(x(300), x(300)),
    "nearly square": lambda x: Toeplitz(x(300), x(410)),
    "wide": lambda x: Toeplitz(x(70), x(1000)),
    "tall": lambda x: Toeplitz(x(1000), x(70)),
    "two levels": lambda x: BlockToeplitz(x(38, 31), [(20, 19), (15, 17)]),
    "three levels": lambda x: BlockToeplitz(x(13, 11, 13)),
    "hankel": lambda x: Hankel(x(260), x(300)),
    "circulant": lambda x: Circulant(x(300)),
    "circulant of prime size": lambda x: Circulant(x(307)),
    "circulant of two levels": lambda x: Circulant(x(18, 19)),
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", LARGE)
def test_products_by_transforms(
    name: str, dtype: str, library: ArrayLibrary, rng: np.random.Generator
) -> None:
    A = LARGE[name](lambda *shape: library.asarray(numbers(rng, *shape, dtype=dtype)))
    assert math.prod(A.shape) > 2**16
    D = library.to_numpy(A.todense())
    eps = np.finfo(dtype).eps
    for X in (numbers(rng, A.shape[1], 3, dtype=kind) for kind in (dtype, "complex128")):
        Y = library.to_numpy(A @ library.asarray(X))
        assert Y.dtype == np.result_type(D, X)
        assert rel(Y, D @ X) < 20 * np.finfo(Y.dtype).eps if X.dtype == D.dtype else 20 * eps
    Y = numbers(rng, A.shape[0], 2, dtype=dtype)
    assert rel(library.to_numpy(A.H @ library.asarray(Y)), D.conj().T @ Y) < 20 * eps


def test_a_transform_serves_check_operator(rng: np.random.Generator) -> None:
    check_operator(Toeplitz(numbers(rng, 258), numbers(rng, 259)), rng=0, functions=False)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(40000, 40000), (30000, 50001), (70000, 3000)])
def test_long_products(shape: tuple[int, int], dtype: str, rng: np.random.Generator) -> None:
    c, r = numbers(rng, shape[0], dtype=dtype), numbers(rng, shape[1], dtype=dtype)
    A, X = Toeplitz(c, r), numbers(rng, shape[1], 2, dtype=dtype)
    Y = A @ X
    assert Y.dtype == dtype
    assert rel(Y, scipy.linalg.matmul_toeplitz((c, r), X)) < 20 * np.finfo(dtype).eps
    x = numbers(rng, shape[0], dtype=dtype)
    adjoint = scipy.linalg.matmul_toeplitz((A.row.conj(), c.conj()), x)
    assert rel(A.H @ x, adjoint) < 20 * np.finfo(dtype).eps


def test_many_columns_are_taken_in_parts(rng: np.random.Generator) -> None:
    c, X = numbers(rng, 3000), numbers(rng, 3000, 70)
    assert rel(Toeplitz(c) @ X, scipy.linalg.matmul_toeplitz(c, X)) < 1e-14


def test_two_levels_convolve_images(rng: np.random.Generator) -> None:
    image, kernel = numbers(rng, 40, 30), numbers(rng, 5, 4)
    padded = np.pad(kernel, ((39, 39), (29, 29)))
    A = BlockToeplitz(padded, [(44, 40), (33, 30)])
    full = scipy.signal.convolve2d(image, kernel)
    assert rel((A @ image.ravel()).reshape(44, 33), full) < 1e-14


def test_symmetric_coefficients_of_a_grid() -> None:
    column = np.arange(6.0).reshape(2, 3)
    A = BlockToeplitz.symmetric(column).todense().reshape(2, 3, 2, 3)
    for i, j, k, m in np.ndindex(A.shape):
        assert A[i, j, k, m] == column[abs(i - k), abs(j - m)]


# algebra


def test_simplifications(rng: np.random.Generator) -> None:
    A, B = (Toeplitz(numbers(rng, 4), numbers(rng, 4)) for _ in range(2))
    C = Circulant(numbers(rng, 4))
    for found, dense in (
        (A + B, A.todense() + B.todense()),
        (A - 2 * B, A.todense() - 2 * B.todense()),
        (A + 3 * Identity(4), A.todense() + 3 * np.eye(4)),
        (A + C, A.todense() + C.todense()),
        (C + A, A.todense() + C.todense()),
        (1j * A, 1j * A.todense()),
        (A.T, A.todense().T),
        (A[1:4, 0:2], A.todense()[1:4, 0:2]),
        (A[::-2, ::-2], A.todense()[::-2, ::-2]),
    ):
        assert type(found) is Toeplitz
        np.testing.assert_allclose(found.todense(), dense, rtol=0, atol=1e-14)
    assert isinstance(A[::2, ::1], Selected)
    H = Hankel(numbers(rng, 4), numbers(rng, 5))
    for found, dense in (
        (H + H, 2 * H.todense()),
        (-H, -H.todense()),
        (H.T, H.todense().T),
        (H[1:3, 2:5], H.todense()[1:3, 2:5]),
        (H[::2, 1::2], H.todense()[::2, 1::2]),
    ):
        assert type(found) is Hankel
        np.testing.assert_allclose(found.todense(), dense, rtol=0, atol=1e-14)
    P = BlockToeplitz(numbers(rng, 3, 5))
    assert type(P + P) is type(P.H) is type(P + Identity(6)) is BlockToeplitz
    assert type(P + Circulant(numbers(rng, 2, 3))) is BlockToeplitz


def test_hermitian_by_its_coefficients() -> None:
    assert is_hermitian(Toeplitz(np.array([1.0, 2j])))
    assert not is_hermitian(Toeplitz(np.array([1j, 2j])))
    assert not is_hermitian(Toeplitz(np.array([1.0, 2.0]), np.array([1.0, 2.1])))
    assert not is_hermitian(Toeplitz(np.array([1.0, np.nan])))
    assert not is_hermitian(Hankel(np.array([1.0, 2j])))


@pytest.mark.parametrize("shape", [(7, 7), (3, 8), (8, 3)])
def test_norms(shape: tuple[int, int], rng: np.random.Generator) -> None:
    A = Toeplitz(numbers(rng, shape[0]), numbers(rng, shape[1]))
    P = BlockToeplitz(numbers(rng, sum(shape) - 1, 5), [shape, (2, 4)])
    for ord in ("fro", 1, math.inf, 2):
        for B in (A, P, Hankel(numbers(rng, shape[0]), numbers(rng, shape[1]))):
            expected = np.linalg.norm(B.todense(), ord)  # type: ignore[arg-type]
            assert float(norm(B, ord)) == pytest.approx(expected, rel=1e-13)


# systems


def backward_error(A: Any, x: Any, b: Any) -> float:
    scale = np.linalg.norm(A.coefficients) * np.linalg.norm(x, axis=0)
    return float(np.max(np.linalg.norm(b - A @ x, axis=0) / scale))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", [3, 256, 257, 1500])
def test_solve_agrees_with_scipy(n: int, dtype: str, rng: np.random.Generator) -> None:
    decay = (1.0 + np.arange(n)) ** -1.5
    c, r = (numbers(rng, n, dtype=dtype) * decay.astype(dtype) for _ in range(2))
    c[0] = 4
    A, b = Toeplitz(c, r), numbers(rng, n, 2, dtype=dtype)
    x = solve(A, b)
    assert x.dtype == dtype
    double = np.complex128 if dtype.startswith("complex") else np.float64
    expected = scipy.linalg.solve_toeplitz((c.astype(double), r.astype(double)), b)
    assert rel(x, expected) < 100 * np.finfo(dtype).eps
    assert rel(inv(A).H @ (A.H @ b), b) < 100 * np.finfo(dtype).eps


def test_inverse_of_a_geometric_matrix() -> None:
    # the inverse of a^|i-j| is tridiagonal: (1 + a²) inside and 1 at the ends, beside -a
    n, a = 1000, 0.7
    exact = np.diag(np.full(n, 1 + a * a)) - a * (np.eye(n, k=1) + np.eye(n, k=-1))
    exact[0, 0] = exact[-1, -1] = 1
    X = solve(kms(n, a), np.eye(n))
    np.testing.assert_allclose(X, exact / (1 - a * a), rtol=0, atol=1e-12)


@pytest.mark.parametrize("imaginary", [0.0, 0.3])
def test_large_positive_definite_systems(imaginary: float, rng: np.random.Generator) -> None:
    n = 20_000
    k = np.arange(n)
    c = 0.8**k * np.exp(1j * imaginary * k) if imaginary else 0.8**k
    A = Toeplitz(c)
    b = numbers(rng, n, 3)
    b[:, 1] = 0
    x = solve(A, b)
    assert np.all(x[:, 1] == 0)
    assert backward_error(A, x[:, ::2], b[:, ::2]) < 1e-14
    # the inverse is tridiagonal, as above
    z = np.exp(1j * imaginary) if imaginary else 1.0
    product = 1.64 * b - 0.8 * (z * np.roll(b, 1, axis=0) + np.conj(z) * np.roll(b, -1, axis=0))
    assert rel(x[1:-1], (product / 0.36)[1:-1]) < 1e-12


def test_large_systems_by_recursion(rng: np.random.Generator) -> None:
    A, b = kms(5000, 0.5, -0.8), numbers(rng, 5000)
    assert backward_error(A, solve(A, b), b) < 1e-14
    H = Hankel(A.coefficients[:5000], A.coefficients[4999:])
    x = solve(H, b)
    assert np.linalg.norm(H @ x - b) < 1e-13 * np.linalg.norm(b)


def test_large_systems_of_two_levels(library: ArrayLibrary, rng: np.random.Generator) -> None:
    t = np.exp(-0.5 * np.hypot(*np.mgrid[:40, :50]))
    A = BlockToeplitz.symmetric(library.asarray(t))
    b = numbers(rng, 2000)
    x = library.to_numpy(solve(A, library.asarray(b)))
    dense = BlockToeplitz.symmetric(t).todense()
    assert rel(x, np.linalg.solve(dense, b)) < 1e-12


@pytest.mark.parametrize("n", [300, 3000])
def test_indefinite_symmetric_systems(n: int, rng: np.random.Generator) -> None:
    A, b = Toeplitz(numbers(rng, n)), numbers(rng, n, 2)
    assert backward_error(A, solve(A, b), b) < 1e-14


def test_singular_leading_submatrices_decline_the_recursion(rng: np.random.Generator) -> None:
    n = 300
    c = np.zeros(n)
    c[1] = 1.0  # the corner is zero, and the matrix is that of a path graph
    A, b = Toeplitz(c), numbers(rng, n)
    assert A._inverse is None
    assert rel(solve(A, b), np.linalg.solve(A.todense(), b)) < 1e-11


@pytest.mark.parametrize("n", [4, 300])
def test_singular_systems(n: int) -> None:
    A = Toeplitz(np.ones(n))
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solve(A, np.arange(n, dtype=float))
    assert slogdet(A).logabsdet == -math.inf


def test_nan_is_refused() -> None:
    for n in (3, 300, 3000):
        A = Toeplitz(np.full(n, np.nan))
        assert np.isnan(A @ np.ones(n)).all()
        for use in (lambda A=A, n=n: solve(A, np.ones(n)), lambda A=A: slogdet(A)):
            with pytest.raises(ValueError, match="NaN or Inf"):
                use()


def test_solve_in_the_precision_of_the_result(rng: np.random.Generator) -> None:
    for n in (100, 1000, 3000):
        A, b = kms(n, 0.5), numbers(rng, n)
        x = solve(Toeplitz(A.column.astype(np.float32)), b)
        assert x.dtype == np.float64
        assert rel(x, solve(A, b)) < 1e-13


def test_explanations() -> None:
    rules = {
        100: "dense LU factorisation, kept",
        1000: "columns of the inverse by Levinson's recursion",
        10_000: "conjugate gradients with T. Chan's circulant preconditioner",
    }
    for n, how in rules.items():
        told = explain("solve", kms(n, 0.5))
        assert told.how.startswith(how)
    assert told.fallback[0].startswith("columns of the inverse")
    assert explain("solve", kms(1000, 0.5, 0.2)).fallback == ("dense LU factorisation, kept",)
    assert "Durbin" in explain("slogdet", kms(1000, 0.5)).how
    assert explain("solve", Hankel(np.ones(1000))).parts


# determinants


@pytest.mark.parametrize("n", [5, 256, 257, 5000])
@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_determinants_of_geometric_matrices(n: int, scale: float) -> None:
    A = kms(n, 0.9)
    sign, logabsdet = slogdet(Toeplitz(scale * A.column))
    assert sign == 1
    exact = (n - 1) * math.log(1 - 0.81) + n * math.log(scale)
    assert logabsdet == pytest.approx(exact, rel=1e-12)


def test_determinants_of_second_differences() -> None:
    # tridiagonal 2, -1: the determinant is n + 1
    n = 4000
    c = np.zeros(n)
    c[:2] = 2, -1
    assert slogdet(Toeplitz(c)).logabsdet == pytest.approx(math.log(n + 1), rel=1e-9)


def test_determinants_of_complex_hermitian_matrices(rng: np.random.Generator) -> None:
    n = 400
    c = numbers(rng, n, dtype="complex128") * 0.7 ** np.arange(n)
    c[0] = 6
    expected = np.linalg.slogdet(scipy.linalg.toeplitz(c))
    sign, logabsdet = slogdet(Toeplitz(c))
    assert sign == 1
    assert logabsdet == pytest.approx(expected[1], rel=1e-13)


@pytest.mark.parametrize("n", [3, 4, 300])
def test_determinants_that_are_not_positive(n: int, rng: np.random.Generator) -> None:
    for A in (
        Toeplitz(numbers(rng, n)),
        Toeplitz(numbers(rng, n), numbers(rng, n)),
        Hankel(numbers(rng, n), numbers(rng, n)),
    ):
        expected = np.linalg.slogdet(A.todense())
        assert slogdet(A).sign == expected[0]
        assert slogdet(A).logabsdet == pytest.approx(expected[1], rel=1e-11)


def test_determinants_of_hilbert_matrices() -> None:
    # det Hₙ = c⁴ / c_2n with c_n = Π k! for k < n
    for n in range(1, 8):
        h = 1 / np.arange(1.0, 2 * n)
        log_c = [sum(math.lgamma(k + 1) for k in range(m)) for m in (n, 2 * n)]
        sign, logabsdet = slogdet(Hankel(h[:n], h[n - 1 :]))
        assert sign == 1
        assert logabsdet == pytest.approx(4 * log_c[0] - log_c[1], abs=1e-5)


# errors


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Toeplitz(np.ones((2, 2))), r"column has shape \(2, 2\)"),
        (lambda: Hankel(np.ones(2), np.ones((1, 2))), r"row has shape \(1, 2\)"),
        (lambda: BlockToeplitz(np.ones((3, 4))), "side 4 is even"),
        (lambda: BlockToeplitz(np.ones(3), [(2, 3)]), r"levels \(\(2, 3\),\) need \(4,\)"),
        (lambda: BlockToeplitz(np.ones(3), [(2, 2), (1, 1)]), r"need \(3, 1\)"),
        (lambda: BlockToeplitz(np.ones(())), "scalar"),
        (lambda: Circulant(np.ones(())), "scalar"),
    ],
)
def test_wrong_shapes(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_integers_become_double() -> None:
    A = Toeplitz(np.array([1, 2]), np.array([1, 3], dtype=np.float32))
    assert A.dtype == np.float64
    assert isinstance(A, LinearOperator)


def test_repr() -> None:
    assert repr(Toeplitz(np.ones(2), np.ones(3))) == "<Toeplitz 2x3 float64>"
    assert repr(BlockToeplitz(np.ones((3, 5)))) == "<BlockToeplitz 6x6 float64 = 2x2 of 3x3>"
    assert repr(Hankel(np.ones(2))) == "<Hankel 2x2 float64>"
