"""Circulant matrices and Hartley transforms: against SciPy, NumPy and formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Circulant,
    Hartley,
    Identity,
    Toeplitz,
    cond,
    diagonal,
    eig,
    eigh,
    explain,
    expm,
    inv,
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
from tests.conftest import ArrayLibrary

TYPES = ["float32", "float64", "complex64", "complex128"]


def numbers(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> Any:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def rel(x: Any, expected: Any) -> float:
    return float(np.linalg.norm(x - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_entries_are_those_of_scipy(n: int, rng: np.random.Generator) -> None:
    c = numbers(rng, n, dtype="complex128")
    np.testing.assert_array_equal(Circulant(c).todense(), scipy.linalg.circulant(c))


def test_entries_of_two_levels(rng: np.random.Generator) -> None:
    c = numbers(rng, 3, 4)
    A = Circulant(c)
    D = A.todense().reshape(3, 4, 3, 4)
    for i, j, k, m in np.ndindex(D.shape):
        assert D[i, j, k, m] == c[(i - k) % 3, (j - m) % 4]
    assert repr(A) == "<Circulant 12x12 float64 = 3x3 of 4x4>"


def test_product_is_periodic_convolution(rng: np.random.Generator) -> None:
    for shape in ((1000,), (1009,), (40, 27), (65536,)):
        c, x = numbers(rng, *shape), numbers(rng, *shape)
        expected = np.fft.ifftn(np.fft.fftn(c) * np.fft.fftn(x)).real
        assert rel(Circulant(c) @ x.ravel(), expected.ravel()) < 1e-14


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(260,), (263,), (16, 17)])
def test_systems_by_transforms(
    shape: tuple[int, ...], dtype: str, library: ArrayLibrary, rng: np.random.Generator
) -> None:
    c = numbers(rng, *shape, dtype=dtype)
    c[(0,) * c.ndim] += 40
    A, b = Circulant(library.asarray(c)), numbers(rng, c.size, 2, dtype=dtype)
    expected = np.linalg.solve(library.to_numpy(A.todense()).astype(np.complex128), b)
    B = library.asarray(b)
    for X in (solve(A, B), lstsq(A, B), inv(A) @ B, pinv(A) @ B, inv(A.H).H @ B):
        x = library.to_numpy(X)
        assert x.dtype == dtype
        assert rel(x, expected) < 100 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_large_systems(dtype: str, rng: np.random.Generator) -> None:
    n = 50_000
    c = numbers(rng, n, dtype=dtype)
    c[0] += 1000
    A, x = Circulant(c), numbers(rng, n, dtype=dtype)
    assert rel(solve(A, A @ x), x) < 1e-13
    assert rel(inv(A) @ (A @ x), x) < 1e-13
    assert isinstance(inv(A), Circulant)
    w, V = eig(A)
    assert rel(A @ (V @ x), V @ (w * x)) < 1e-12
    U, S, Vh = svd(A)
    assert rel(U @ (S * (Vh @ x)), A @ x) < 1e-12
    assert rel(U.H @ (U @ x), x) < 1e-13
    assert U.dtype == Vh.dtype == dtype
    assert float(norm(A, "nuc")) == pytest.approx(float(np.sum(np.abs(np.fft.fft(c)))), rel=1e-12)
    assert float(cond(A)) == pytest.approx(float(S.max() / S.min()), rel=1e-10)


def test_eigenvalues_of_second_differences() -> None:
    # the periodic one has the eigenvalues 2 - 2 cos(2πk/n)
    n = 12
    c = np.zeros(n)
    c[[0, 1, -1]] = 2, -1, -1
    A = Circulant(c)
    exact = np.sort(2 - 2 * np.cos(2 * np.pi * np.arange(n) / n))
    np.testing.assert_allclose(eigh(A).sorted().eigenvalues, exact, atol=1e-14)
    np.testing.assert_allclose(svdvals(A), exact[::-1], atol=1e-14)
    assert rank(A) == n - 1
    # A + I: the determinant is L_2n - 2 with Lucas numbers L
    lucas = [2, 1]
    while len(lucas) <= 2 * n:
        lucas.append(lucas[-1] + lucas[-2])
    sign, logabsdet = slogdet(A + Identity(n))
    assert sign == 1
    assert logabsdet == pytest.approx(math.log(lucas[2 * n] - 2), rel=1e-14)


def test_eigenvectors_of_real_symmetric_matrices_are_real(rng: np.random.Generator) -> None:
    A = Circulant(numbers(rng, 5, 6))
    V = eigh(A + A.T).eigenvectors
    assert isinstance(V, Hartley)
    assert V.dtype == np.float64


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("n", [4, 5])
def test_slogdet_is_unchanged_by_scaling(scale: float, n: int) -> None:
    # det = Π (x + y ωᵏ) = xⁿ - (-y)ⁿ for the column (x, y, 0, …)
    x, y = 1.0, 2.0
    c = scale * np.array([x, y] + [0.0] * (n - 2))
    exact = x**n - (-y) ** n
    sign, logabsdet = slogdet(Circulant(c))
    assert sign == math.copysign(1, exact)
    assert logabsdet == pytest.approx(math.log(abs(exact)) + n * math.log(scale), rel=1e-13)


def test_singular_matrices(rng: np.random.Generator) -> None:
    c = numbers(rng, 300)
    A = Circulant(c - c.mean())
    with pytest.raises(np.linalg.LinAlgError, match=r"Circulant 300x300 .* is singular"):
        solve(A, np.ones(300))
    with pytest.raises(np.linalg.LinAlgError, match="an eigenvalue is"):
        inv(1e8 * A)
    assert rank(A) == 299
    b = numbers(rng, 300)
    expected = np.linalg.lstsq(A.todense(), b, rcond=1e-10)[0]
    assert rel(lstsq(A, b), expected) < 1e-11
    assert rel(pinv(A) @ b, expected) < 1e-11
    assert isinstance(pinv(A), Circulant)


def test_simplifications(rng: np.random.Generator) -> None:
    A, B = (Circulant(numbers(rng, 6)) for _ in range(2))
    for found, dense in (
        (A @ B, A.todense() @ B.todense()),
        (A + B, A.todense() + B.todense()),
        (A - Identity(6), A.todense() - np.eye(6)),
        (2j * A, 2j * A.todense()),
        (A.H, A.todense().T),
        (expm(A), scipy.linalg.expm(A.todense())),
        (A @ (1j * B), 1j * A.todense() @ B.todense()),
    ):
        assert type(found) is Circulant
        np.testing.assert_allclose(found.todense(), dense, rtol=0, atol=1e-12 * abs(dense).max())
    assert type(A + Toeplitz(np.ones(6))) is Toeplitz
    assert (A @ B).dtype == np.float64


def test_precision(rng: np.random.Generator) -> None:
    c = numbers(rng, 500, dtype="float32")
    c[0] = 60
    A, b = Circulant(c), numbers(rng, 500)
    assert (A @ b.astype(np.float32)).dtype == np.float32
    x = solve(A, b)
    assert x.dtype == np.float64
    assert rel(x, np.linalg.solve(scipy.linalg.circulant(c.astype(float)), b)) < 1e-13


def test_nan_is_refused() -> None:
    A = Circulant(np.array([1.0, np.nan, 0.0]))
    uses = (inv, pinv, slogdet, eig, svd, svdvals, expm, lambda A: solve(A, np.ones(3)))
    for use in uses:
        with pytest.raises(ValueError, match="NaN or Inf"):
            use(A)


def test_explanations() -> None:
    A = Circulant(np.arange(1.0, 5))
    for name in ("solve", "lstsq", "inv", "pinv", "eig", "svd", "svdvals", "expm", "slogdet"):
        assert "n log" in explain(name, A).cost


# Hartley


@pytest.mark.parametrize("sizes", [(n,) for n in range(1, 14)] + [(2, 3), (4, 4), (3, 4, 5)])
def test_hartley(sizes: tuple[int, ...]) -> None:
    angles = np.zeros((math.prod(sizes),) * 2)
    places = np.array(list(np.ndindex(*sizes)))
    for axis, n in enumerate(sizes):
        angles += 2 * np.pi * np.outer(places[:, axis], places[:, axis]) / n
    exact = (np.cos(angles) + np.sin(angles)) / math.sqrt(len(angles))
    A = Hartley(sizes)
    np.testing.assert_allclose(A.todense(), exact, atol=1e-14)
    assert float(trace(A)) == pytest.approx(np.trace(exact), abs=1e-12)
    assert float(slogdet(A).sign) == pytest.approx(np.linalg.det(exact))
    assert inv(A) is A
    np.testing.assert_allclose(diagonal(A), np.diag(exact), atol=1e-14)
    np.testing.assert_allclose(A[:, -1], exact[:, -1], atol=1e-14)


def test_hartley_is_orthogonal_at_any_size() -> None:
    A = Hartley((300, 20))
    assert float(norm(A)) == pytest.approx(math.sqrt(6000))
    assert float(cond(A)) == 1
    assert rank(A) == 6000
    np.testing.assert_array_equal(svdvals(A), np.ones(6000))
    b = np.arange(6000.0)
    np.testing.assert_allclose(lstsq(A, b), A @ b)


def test_hartley_needs_sizes() -> None:
    with pytest.raises(ValueError, match="give the number of points"):
        Hartley(())
