"""Updates of low rank, beside what the shared properties cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

from structlin import explain, expm, inv, norm, slogdet, solve, trace
from structlin.matrices import (
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Identity,
    Inverse,
    Kronecker,
    KroneckerSum,
    LowRank,
    LowRankUpdate,
    SlidingUpdate,
    Sparse,
    SparsePlusLowRank,
    Sum,
    is_hermitian,
)

EPS = float(np.finfo(float).eps)
n = 40


@pytest.fixture
def U(rng):
    return rng.standard_normal((n, 3))


@pytest.fixture
def V(rng):
    return rng.standard_normal((n, 3))


def require_accurate(A, rng):
    """Compare with the dense matrix: 100 eps cond for solutions and inverses and determinants."""
    D = A.todense()
    bound = 100 * EPS * np.linalg.cond(D)
    x = rng.standard_normal((n, 2))
    for found in (solve(A, D @ x), inv(A) @ (D @ x), inv(A).H @ (D.T @ x)):
        assert np.linalg.norm(found - x) <= bound * np.linalg.norm(x)
    sign, logabsdet = slogdet(A)
    expected = np.linalg.slogdet(D)
    assert sign == expected[0]
    assert abs(logabsdet - expected[1]) <= bound * n


# which sums become updates


def test_sums_have_the_name_of_their_base(rng, U, V):
    low = LowRank(U, V)
    K = Kronecker(rng.standard_normal((8, 8)), np.eye(5))
    S = Sparse(scipy.sparse.eye_array(n))
    for base, kind in (
        (Diagonal(np.arange(40.0)), DiagonalPlusLowRank),
        (Identity(n), DiagonalPlusLowRank),
        (3 * Identity(n), DiagonalPlusLowRank),
        (S, SparsePlusLowRank),
        (K, LowRankUpdate),
        (2 * K, LowRankUpdate),
        (Dense(np.eye(n)), Sum),
        (K @ Diagonal(np.arange(40.0)), Sum),
    ):
        for A in (base + low, low + base):
            assert type(A) is kind
            np.testing.assert_allclose(A.todense(), base.todense() + U @ V.T, atol=1e-14)


def test_updates_merge(U, V):
    D, low = Diagonal(np.arange(1.0, 41.0)), LowRank(U, V)
    A = D + low
    u, v = U[:, 0], V[:, 1]
    for B, width in (
        (A + LowRank(u, v), 4),
        (LowRank(u, v) + A, 4),
        (A + A, 6),
        (A - LowRank(u), 4),
        (A + D, 3),
        (2 * Identity(n) + A, 3),
        (A.H, 3),
        (-2.0 * A, 3),
        (A @ D, 3),
        (D @ A, 3),
    ):
        assert type(B) is DiagonalPlusLowRank
        assert B.update.U.shape == (n, width)
    np.testing.assert_allclose((A + LowRank(u, v)).todense(), A.todense() + np.outer(u, v))
    np.testing.assert_allclose((D @ A).todense(), D.todense() @ A.todense())


def test_other_sums_still_merge(U):
    # the sum keeps one update, whatever the order
    K, D, low = Kronecker(np.ones((8, 8)), np.eye(5)), Diagonal(np.arange(40.0)), LowRank(U)
    for A in (K + D + low, low + K + D, D + low + K, (K + D) + (low + K)):
        assert isinstance(A, Sum)
        assert len(A.terms) == 2
    assert type(KroneckerSum(np.eye(8), np.eye(5)) + low + Identity(n)) is LowRankUpdate


def test_hermitian_updates_are_recognised(U, V):
    C = np.diag([1.0, -2.0, 0.0])
    assert is_hermitian(DiagonalPlusLowRank(np.ones(n), U))
    assert is_hermitian(DiagonalPlusLowRank(np.ones(n), U, C))
    assert not is_hermitian(DiagonalPlusLowRank(np.ones(n), U, C, V))
    assert not is_hermitian(DiagonalPlusLowRank(1j * np.ones(n), U))


def test_bad_parts_are_named(U):
    with pytest.raises(ValueError, match="C is 2x2: U C Vᴴ needs a 3x3 core"):
        LowRankUpdate(np.eye(n), U, np.eye(2))
    with pytest.raises(ValueError, match="base is 5x5 but U C Vᴴ is 40x40"):
        LowRankUpdate(np.eye(5), U)
    with pytest.raises(TypeError, match="base is ndarray: pass a Diagonal"):
        DiagonalPlusLowRank(np.eye(n), U)
    with pytest.raises(TypeError, match="base is Dense: pass a sparse matrix"):
        SparsePlusLowRank(np.eye(n), U)
    with pytest.raises(ValueError, match="V has a NaN"):
        solve(DiagonalPlusLowRank(np.ones(2), np.ones(2), V=np.array([1.0, math.nan])), np.ones(2))


# Woodbury's formula


def test_sherman_morrison(library):
    # (I + u vᵀ)⁻¹ = I − u vᵀ / (1 + vᵀ u), det = 1 + vᵀ u
    u, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, -2.0])
    A = Identity(3, like=library.asarray(u)) + LowRank(library.asarray(u), library.asarray(v))
    expected = np.eye(3) - np.outer(u, v) / (1 + v @ u)
    assert isinstance(inv(A), DiagonalPlusLowRank)
    np.testing.assert_allclose(library.to_numpy(inv(A).todense()), expected, rtol=1e-14)
    sign, logabsdet = slogdet(A)
    assert float(sign) == -1.0
    assert float(logabsdet) == pytest.approx(math.log(4.0), rel=1e-14)


@pytest.mark.parametrize(
    "small",
    [[0.0], [0.0, 0.0, 0.0], [1e-14, 0.0], [1e-5, -1e-10, 1e-15], [1e-300, 1e-300]],
    ids=str,
)
def test_a_diagonal_with_zeros_is_no_obstacle(small, U, V, rng):
    d = rng.uniform(1, 2, n)
    d[: len(small)] = small
    A = Diagonal(d) + LowRank(U, V)
    require_accurate(A, rng)
    assert isinstance(inv(A), DiagonalPlusLowRank)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("power", [0, -6, -12])
def test_graded_diagonals(power, scale, U, rng):
    require_accurate(scale * (Diagonal(np.logspace(0, power, n)) + LowRank(U)), rng)


def test_small_shifts_and_large_updates(U, V, rng):
    require_accurate(1e-8 * Identity(n) + LowRank(U), rng)
    require_accurate(1e-8 * Identity(n) + LowRank(U, V), rng)
    require_accurate(Identity(n) + LowRank(1e5 * U, 1e-5 * V), rng)
    require_accurate(DiagonalPlusLowRank(np.ones(n), U, np.diag([1e6, -1.0, 1e-6])), rng)
    require_accurate(DiagonalPlusLowRank(np.ones(n), U, np.ones((3, 3)), V), rng)


@pytest.mark.parametrize("smallest", [1e-5, 1e-11, 0.0])
def test_a_base_that_is_worse_conditioned_than_the_sum(smallest, rng):
    # Woodbury's formula alone would lose 5, 11 or all digits
    Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    K = Kronecker(Q @ np.diag([1.0] * 7 + [smallest]) @ Q.T, np.eye(5))
    u = np.kron(Q[:, 7:], np.eye(5))
    A = K + LowRank(u, u)
    assert np.linalg.cond(A.todense()) < 2
    require_accurate(A, rng)


def test_a_singular_sparse_base(U, V, rng):
    S = scipy.sparse.random_array((n, n), density=0.1, rng=rng).tolil() + 2 * scipy.sparse.eye(n)
    for smallest in (0.0, 1e-12):
        S = S.tolil()
        S[5, :] = smallest * rng.standard_normal((1, n))
        e = np.eye(n)[:, 5]
        A = SparsePlusLowRank(S.tocsr(), e, V=V[:, 0])
        require_accurate(A, rng)
        assert isinstance(inv(A), Inverse)
        require_accurate(A + LowRank(U, V), rng)
    assert "Woodbury" in explain("solve", A).how
    assert "[[S, U], [Vᴴ, −I]]" in explain("solve", A).fallback[0]


def test_singular_sums_are_found(U, V):
    u = np.array([0.5] * 4 + [0.0] * 36)
    e = np.eye(n)[:, 0]
    S = Sparse(scipy.sparse.eye_array(n).tocsr())
    for A, why in (
        (Identity(n) - LowRank(u), "the capacitance matrix"),
        (Kronecker(np.eye(8), np.eye(5)) - LowRank(e), "the capacitance matrix"),
        (S - LowRank(e), "the capacitance matrix"),
        (Diagonal(np.array([0.0] * 4 + [1.0] * 36)) + LowRank(U, V), "more than 3 entries"),
    ):
        for function in (lambda A: solve(A, np.ones(n)), inv):
            with pytest.raises(np.linalg.LinAlgError, match=why):
                function(A)
        assert slogdet(A) == (0.0, -math.inf)


@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1e8, 1e100])
def test_determinants_scale(scale, U):
    A = Diagonal(np.logspace(0, -9, n)) + LowRank(U)
    expected = float(slogdet(A).logabsdet) + n * math.log(scale)
    assert float(slogdet(scale * A).logabsdet) == pytest.approx(expected, rel=1e-13)


def test_right_hand_sides_of_more_precision(U, rng):
    d = rng.uniform(1, 2, n).astype(np.float32)
    A = DiagonalPlusLowRank(d, U.astype(np.float32))
    b = rng.standard_normal(n)
    D = d.astype(float) * np.eye(n) + A.update.U.array.astype(float) @ A.update.U.array.T
    np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-11)
    assert solve(A, b.astype(np.float32)).dtype == np.float32


def test_a_kronecker_inverse_under_updates(rng):
    # 64³ rows: the dense matrix would have 6.9e10 entries
    factors = [np.eye(64) + 0.1 * rng.standard_normal((64, 64)) / 8 for _ in range(3)]
    K = Kronecker(*factors)
    u, v, b = (rng.standard_normal(64**3) / 512 for _ in range(3))
    A = K + LowRank(u, v) - LowRank(v, u)
    x = solve(A, b)
    assert np.linalg.norm(A @ x - b) <= 1e-13 * np.linalg.norm(b)
    assert isinstance(inv(A), LowRankUpdate)
    np.testing.assert_allclose(inv(A) @ b, x, rtol=1e-10, atol=1e-15)
    # the determinant of the 2x2 capacitance matrix
    uv, vu = np.stack((u, v), axis=1), np.stack((v, -u), axis=1)
    small = np.linalg.slogdet(np.eye(2) + vu.T @ solve(K, uv))
    logabsdet = float(slogdet(K).logabsdet) + small[1]
    assert float(slogdet(A).logabsdet) == pytest.approx(logabsdet, abs=1e-9)


# other functions


def test_the_frobenius_norm_of_large_and_of_cancelling_terms(U):
    A = Identity(10**5) + LowRank(np.ones(10**5), np.arange(1e5))
    # ‖I‖² + 2 tr + ‖u‖² ‖v‖²
    v2 = (10**5 - 1) * 10**5 * (2 * 10**5 - 1) / 6
    expected = math.sqrt(10**5 + 10**5 * (10**5 - 1) + 10**5 * v2)
    assert float(norm(A)) == pytest.approx(expected, rel=1e-14)
    assert float(trace(A)) == 10**5 + 10**5 * (10**5 - 1) / 2
    e = np.eye(3)
    assert float(norm((1 + 1e-9) * Identity(3) - LowRank(e))) == pytest.approx(
        math.sqrt(3) * ((1 + 1e-9) - 1), rel=1e-6
    )


def test_the_exponential_of_low_rank():
    # exp(u vᵀ) = I + (exp(vᵀ u) − 1) / (vᵀ u) u vᵀ, also for vᵀ u = 0
    for u, v in (([1.0, 2.0, 0.5], [0.5, -1.0, 2.0]), ([1.0, 1.0, 0.0], [1.0, -1.0, 3.0])):
        A = expm(LowRank(np.array(u), np.array(v)))
        t = float(np.dot(u, v))
        factor = math.expm1(t) / t if t else 1.0
        assert isinstance(A, DiagonalPlusLowRank)
        np.testing.assert_allclose(A.todense(), np.eye(3) + factor * np.outer(u, v), atol=1e-14)


def test_explain(U):
    text = repr(explain("solve", Kronecker(np.eye(8), np.eye(5)) + LowRank(U)))
    assert "Woodbury" in text
    assert "else    GMRES" in text
    assert "solve(<Kronecker 40x40" in text


# sliding windows


def test_the_window_keeps_the_newest_vectors(library, rng):
    vectors = rng.standard_normal((6, 9))
    base = Diagonal(library.asarray(rng.uniform(1, 2, 6)))
    A = SlidingUpdate(base, library.asarray(vectors[:, :1]), window=4, weight=0.25)
    b = library.asarray(rng.standard_normal(6))
    for j in range(1, 9):
        solve(A, b)  # keeps the factors that move
        A = A.slide(library.asarray(vectors[:, j]))
        kept = vectors[:, max(0, j - 3) : j + 1]
        D = np.diag(library.to_numpy(base.entries)) + 0.25 * kept @ kept.T
        np.testing.assert_allclose(library.to_numpy(A.todense()), D, atol=1e-14)
        expected = np.linalg.solve(D, library.to_numpy(b))
        np.testing.assert_allclose(library.to_numpy(solve(A, b)), expected, rtol=1e-11)
        found = float(slogdet(A).logabsdet)
        assert found == pytest.approx(np.linalg.slogdet(D)[1], rel=1e-12)


def test_a_long_slide_does_not_drift(rng):
    size, window = 300, 8
    base = KroneckerSum(np.diag(np.linspace(1, 2, 20)), np.diag(np.linspace(0, 1, 15)))
    A = SlidingUpdate(base, rng.standard_normal((size, window)))
    b = rng.standard_normal(size)
    for j in range(300):
        solve(A, b)
        A = A.slide(10.0 ** (j % 5) * rng.standard_normal(size))
    fresh = SlidingUpdate(base, A.vectors)
    np.testing.assert_allclose(
        A._factors.capacitance.array, fresh._factors.capacitance.array, rtol=1e-12, atol=1e-9
    )
    x = solve(A, b)
    assert np.linalg.norm(A @ x - b) <= 100 * EPS * float(norm(A)) * np.linalg.norm(x)


def test_a_slide_solves_once_with_the_base(rng):
    class Counted(Diagonal):
        """Counts the right-hand sides of its solutions."""

    from structlin.matrices import rule
    from structlin.matrices.functions import solve as function

    columns = []

    @rule(function, Counted)
    def _solve(A, B):
        columns.append(B.shape[1])
        return B / A.entries[:, None]

    A = SlidingUpdate(Counted(np.ones(5)), rng.standard_normal((5, 3)))
    solve(A, np.ones(5))
    columns.clear()
    A = A.slide(rng.standard_normal(5))
    assert columns == [1]


def test_windows_are_checked():
    with pytest.raises(ValueError, match="window is 1 for 2 vectors: it needs to be at least 2"):
        SlidingUpdate(Identity(3), np.ones((3, 2)), window=1)
    with pytest.raises(ValueError, match="base is 2x2 but the vectors have 3 entries"):
        SlidingUpdate(Identity(2), np.ones((3, 2)))
    A = SlidingUpdate(Identity(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"vector has shape \(2,\): the window needs \(3,\)"):
        A.slide(np.ones(2))
    with pytest.raises(ValueError, match="vector has a NaN"):
        A.slide(np.array([1.0, math.nan, 0.0]))


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_the_frobenius_norm_at_any_scale(scale):
    root = math.sqrt(scale)
    d, u = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0])
    A = Diagonal(d * scale) + LowRank(u * root, np.ones(3) * root)
    expected = np.linalg.norm(np.diag(d) + np.outer(u, np.ones(3)))
    assert float(norm(A)) / scale == pytest.approx(expected, rel=1e-14)


def test_the_window_takes_arrays():
    with pytest.raises(TypeError, match="list is not an array"):
        SlidingUpdate(Identity(3), np.ones((3, 1))).slide([1.0, 2.0, 3.0])
