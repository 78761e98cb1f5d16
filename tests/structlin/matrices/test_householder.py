"""Elementary reflectors: against their definition, LAPACK and extreme scales."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg

from structlin.matrices import (
    Householder,
    Product,
    Scaled,
    cond,
    eig,
    eigh,
    expm,
    inv,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    trace,
)
from tests.conftest import ArrayLibrary


def _dense(v: np.ndarray, tau: complex) -> np.ndarray:
    return np.eye(len(v)) - tau * np.outer(v, v.conj())


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 1e8, 1e300])
def test_the_default_reflects_at_any_scale(scale: float, rng: np.random.Generator) -> None:
    v = rng.standard_normal(5) + 1j * rng.standard_normal(5)
    A = Householder(scale * v)
    np.testing.assert_allclose(A.todense(), _dense(v, 2 / np.vdot(v, v).real), atol=1e-15)
    np.testing.assert_allclose(A @ v, -v, atol=1e-14)
    np.testing.assert_allclose(A.H @ (A @ np.eye(5)), np.eye(5), atol=1e-14)
    sign, logabsdet = slogdet(A)
    np.testing.assert_allclose((sign, logabsdet), (-1, 0), atol=1e-14)


def test_the_zero_vector_reflects_nothing(library: ArrayLibrary) -> None:
    A = Householder(library.asarray(np.zeros(3)))
    np.testing.assert_array_equal(library.to_numpy(A.todense()), np.eye(3))
    assert float(slogdet(A).sign) == 1


@pytest.mark.parametrize("dtype", ["d", "D"])
def test_reflectors_of_lapack_give_its_q(dtype: str, rng: np.random.Generator) -> None:
    # Q = H₁ H₂ … with τ of the QR factorisation; τ is complex for a complex matrix
    X = rng.standard_normal((6, 3)).astype(dtype)
    if dtype == "D":
        X = X + 1j * rng.standard_normal((6, 3))
    (geqrf,) = scipy.linalg.get_lapack_funcs(("geqrf",), (X,))
    qr, taus, *_ = geqrf(X)
    vectors = np.tril(qr, -1) + np.eye(6, 3)
    Q = Product(*(Householder(vectors[:, i], taus[i]) for i in range(3)))
    np.testing.assert_allclose((Q.H @ X)[:3], np.triu(qr[:3]), atol=1e-14)
    np.testing.assert_allclose((Q.H @ X)[3:], 0, atol=1e-14)


@pytest.mark.parametrize("tau", [0.3, -2.0, 0.1 - 0.7j, 5.0])
def test_functions_follow_the_definition(tau: complex, rng: np.random.Generator) -> None:
    v = rng.standard_normal(6)
    A, D = Householder(v, tau), _dense(v, tau)
    B = rng.standard_normal((6, 2))
    np.testing.assert_allclose(solve(A, B), np.linalg.solve(D, B), rtol=1e-12)
    assert isinstance(inv(A), Householder)
    np.testing.assert_allclose(inv(A).todense(), np.linalg.inv(D), atol=1e-12)
    np.testing.assert_allclose(slogdet(A), np.linalg.slogdet(D), atol=1e-13)
    np.testing.assert_allclose(expm(A).todense(), scipy.linalg.expm(D), rtol=1e-11)
    assert isinstance(expm(A), Scaled)
    for ord in ("fro", "nuc", 1, 2, np.inf):
        np.testing.assert_allclose(norm(A, ord), np.linalg.norm(D, ord), rtol=1e-13)
    np.testing.assert_allclose(cond(A), np.linalg.cond(D), rtol=1e-12)
    w, V = eig(A)
    np.testing.assert_allclose(D @ V.todense(), V.todense() * w, atol=1e-13)
    U, S, Vh = svd(A)
    np.testing.assert_allclose(U.todense() * S @ Vh.todense(), D, atol=1e-13)
    np.testing.assert_allclose(U.H @ U.todense(), np.eye(6), atol=1e-13)


def test_large_ones_stay_linear(rng: np.random.Generator) -> None:
    n = 200_000
    A, b = Householder(rng.standard_normal(n), 0.5 / n), rng.standard_normal(n)
    np.testing.assert_allclose(A @ solve(A, b), b, atol=1e-11)
    w, V = eigh(A)
    np.testing.assert_allclose(V @ (w * (V.H @ b)), A @ b, atol=1e-11)


def test_projectors_are_singular(rng: np.random.Generator) -> None:
    for n in (1, 2, 7, 500):
        v = rng.standard_normal(n)
        A = Householder(v, 1 / (v @ v))
        with pytest.raises(np.linalg.LinAlgError, match="is singular: τ vᴴv is 1"):
            solve(A, np.ones(n))
        assert slogdet(A) == (0, -math.inf)
        assert rank(A) == n - 1
        # a projector is its own Moore–Penrose inverse
        np.testing.assert_allclose(pinv(A).todense(), A.todense(), atol=1e-14)
        np.testing.assert_allclose(lstsq(A, v), 0, atol=1e-13)


def test_data_types() -> None:
    v = np.ones(3, dtype=np.float32)
    assert Householder(v).dtype == Householder(v, 0.5).dtype == np.float32
    assert Householder(v, 1j).dtype == np.complex64
    assert Householder(v, np.asarray(0.5)).dtype == np.float64
    assert Householder(np.array([1, 2])).dtype == np.float64


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vector has shape \(2, 2\)"):
        Householder(np.eye(2))
    with pytest.raises(ValueError, match=r"tau has shape \(3,\)"):
        Householder(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match=r"vector has a NaN or Inf at \[1\]"):
        Householder(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"vector has a NaN or Inf at \[0\]"):
        solve(Householder(np.array([np.inf, 1.0]), 0.5), np.ones(2))


def test_systems_have_the_precision_of_the_right_hand_side() -> None:
    v, tau, b = np.array([0.1, 0.7, -0.3], dtype=np.float32), np.float32(0.3), np.arange(3.0)
    A, dense = Householder(v, tau), _dense(v.astype(np.float64), float(tau))
    np.testing.assert_allclose(A @ b, dense @ b, rtol=1e-14)
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(dense, b), rtol=1e-14)
    np.testing.assert_allclose(lstsq(A, b), np.linalg.solve(dense, b), rtol=1e-14)


def test_factor_and_vector_may_leave_the_range_where_their_product_does_not() -> None:
    A = Householder(np.array([3e160, 4e160]), 1e-320)
    product = float(A.tau) * 1e160 * 1e160 * 25  # tau is subnormal: rounded
    np.testing.assert_allclose(float(slogdet(A).logabsdet), math.log(product - 1), rtol=1e-12)
    np.testing.assert_allclose(float(trace(A)), 2 - product, rtol=1e-12)


def test_expm_refuses_nan() -> None:
    with pytest.raises(ValueError, match="tau has a NaN or Inf"):
        expm(Householder(np.ones(2), math.nan))
