"""What operators without rules get: at any scale, in mixed precision, beyond the limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from structlin.matrices import (
    Dense,
    KhatriRao,
    KroneckerSum,
    LinearOperator,
    LowRank,
    Selected,
    cond,
    explain,
    lstsq,
    norm,
    pinv,
    rank,
    solve,
)
from structlin.matrices.fallback import dense_limit

SCALES = [1e-300, 1e-150, 1e-8, 1e8, 1e150, 1e300]


class Plain(LinearOperator):
    """An operator without rules, of a given dense matrix."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        super().__init__(matrix.shape, like=matrix)

    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X

    def _rmatmat(self, X: Any) -> Any:
        return self.matrix.conj().T @ X


class Entrywise(Plain):
    """A diagonal matrix of any size, without rules."""

    def __init__(self, d: Any) -> None:
        self.d = d
        LinearOperator.__init__(self, d.shape * 2, like=d)

    def _matmat(self, X: Any) -> Any:
        return self.d[:, None] * X

    _rmatmat = _matmat


MATRIX = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0]])  # det 25
DEFICIENT = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]])  # pseudoinverse: transpose over 25


@pytest.mark.parametrize("scale", SCALES)
def test_iterations_at_any_scale(scale: float) -> None:
    x, b = np.array([1.0, -2.0, 3.0]), np.array([1.0, 1.0, 1.0])
    least = np.array([3.0, 6.0]) / 25
    np.testing.assert_allclose(solve(Plain(MATRIX * scale), MATRIX @ x) * scale, x)
    np.testing.assert_allclose(solve(Plain(MATRIX), MATRIX @ x * scale) / scale, x)
    np.testing.assert_allclose(lstsq(Plain(DEFICIENT * scale), b) * scale, least)
    np.testing.assert_allclose(lstsq(Plain(DEFICIENT), b * scale) / scale, least)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_iterations_in_single_precision_at_any_scale(scale: float) -> None:
    x, b = np.array([1, -2, 3], dtype=np.float32), np.ones(3, dtype=np.float32)
    small, tall = (np.asarray(M * scale, dtype=np.float32) for M in (MATRIX, DEFICIENT))
    right = np.asarray(MATRIX @ x * scale, dtype=np.float32)
    np.testing.assert_allclose(solve(Plain(small), right), x, rtol=1e-5)
    np.testing.assert_allclose(lstsq(Plain(tall), b) * scale, [0.12, 0.24], rtol=1e-5)


def test_small_residuals_of_large_least_squares() -> None:
    n = dense_limit + 4
    A = Entrywise(np.linspace(1, 2, n))[:, : n - 1]
    for residual in (1e-12, 1e-8, 1e-4, 1e-2, 1.0):
        b = np.linspace(1, 2, n) ** 2
        b[-1] = residual
        np.testing.assert_allclose(lstsq(A, b), np.linspace(1, 2, n)[:-1], rtol=1e-11)


@pytest.mark.parametrize("scale", [1.0, *SCALES])
def test_spectral_norms_beyond_the_dense_limit(scale: float) -> None:
    assert norm(Entrywise(scale * np.linspace(1, 2, dense_limit + 1)), 2) == pytest.approx(
        2 * scale, rel=1e-12
    )


@pytest.mark.parametrize("shape", [(dense_limit + 1, 1), (1, dense_limit + 1)])
def test_spectral_norms_of_one_row_or_column(shape: tuple[int, int]) -> None:
    assert norm(Plain(np.full(shape, 3.0)), 2) == pytest.approx(3 * math.sqrt(dense_limit + 1))


def test_spectral_norms_of_zero_and_nan() -> None:
    zeros = np.zeros(dense_limit + 1)
    assert norm(Entrywise(zeros), 2) == 0
    with pytest.raises(ValueError, match="NaN or Inf: it has no 2-norm"):
        norm(Entrywise(zeros + math.nan), 2)


def test_condition_numbers_beyond_the_largest_number() -> None:
    for wrap in (Dense, Plain):
        assert cond(wrap(np.diag(np.array([1e30, 1e-30], dtype=np.float32)))) == math.inf


def test_parts_that_fit_count_as_structure() -> None:
    n = 80
    second = scipy.sparse.diags_array(
        [-np.ones(n - 1), np.full(n, 2.0), -np.ones(n - 1)], offsets=[-1, 0, 1]
    )
    A = KroneckerSum(second, second)  # 6400 rows
    assert explain("svdvals", A).how == "those of the structure's svd"
    assert rank(A) == n * n
    angle = math.pi / (2 * (n + 1))
    assert cond(A) == pytest.approx(1 / math.tan(angle) ** 2, rel=1e-9)


def test_least_squares_cut_off_by_the_precision_of_the_operator() -> None:
    U = np.diag(np.array([1, 1e-9], dtype=np.float32))
    for A in (Dense(U), LowRank(U, np.eye(2, dtype=np.float32)), KhatriRao(np.tile(U, (2, 1)), U)):
        b = np.arange(1.0, 1 + A.shape[0])
        np.testing.assert_allclose(lstsq(A, b), pinv(A) @ b, rtol=1e-6)
        assert rank(A) == 1


def test_dense_fallbacks_have_the_precision_of_the_right_hand_side() -> None:
    thirds = np.array([[1, 3], [7, 2]], dtype=np.float32) / 3
    A = Plain(thirds.astype(np.float32)) @ Plain(thirds.T.copy())
    D = thirds.astype(float) @ thirds.T.astype(float)
    formed = A[np.array([0, 1]), np.array([1, 0])]  # no rule; products are those of A
    np.testing.assert_allclose(
        solve(formed, np.ones(2)), np.linalg.solve(D[:, ::-1], np.ones(2)), rtol=1e-12
    )


def test_submatrices_of_operators_that_fit_no_machine() -> None:
    A = KroneckerSum(*[np.eye(2)] * 64)
    part = A[1:3, ::2]
    assert isinstance(part, Selected)
    assert part.shape == (2, 2**63)
    assert A[2**63 :, :][5:9, :3].shape == (4, 3)
    with pytest.raises(ValueError, match="fits no machine"):
        A[1:3, 5:7] @ np.ones(2)
