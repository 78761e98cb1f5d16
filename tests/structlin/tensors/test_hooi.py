"""The best Tucker tensors of given ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.tensors import Tucker, hooi, sthosvd


def noise(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def error(T: Tucker, A: Any) -> float:
    return float(np.linalg.norm(T.full() - A) / np.linalg.norm(A))


def test_matrices_have_the_best_approximation_at_once() -> None:
    A = noise((20, 30))
    T = hooi(A, 5)
    s = np.linalg.svd(A, compute_uv=False)
    assert error(T, A) == pytest.approx(np.linalg.norm(s[5:]) / np.linalg.norm(s), rel=1e-12)
    assert T.report is not None
    assert T.report.iterations == 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_no_factor_can_be_improved_alone(order: Any) -> None:
    A = np.asarray(noise((9, 10, 11)) + 1j * noise((9, 10, 11), 1), order=order)
    ranks = (2, 3, 4)
    T = hooi(A, ranks, tol=1e-9, max_iterations=2000)
    assert T.ranks == ranks
    assert T.report is not None
    assert T.report.error_estimate == pytest.approx(error(T, A), rel=1e-8)
    assert error(T, A) < error(sthosvd(A, ranks=ranks), A)
    U, V, W = (U.conj() for U in T.factors)
    for axis, Y in enumerate(
        (
            np.einsum("ijk,jb,kc->ibc", A, V, W),
            np.einsum("ijk,ia,kc->jac", A, U, W),
            np.einsum("ijk,ia,jb->kab", A, U, V),
        )
    ):
        s = np.linalg.svd(Y.reshape(len(Y), -1), compute_uv=False)[: ranks[axis]]
        assert np.linalg.norm(T.core) == pytest.approx(np.linalg.norm(s), rel=1e-7)


def test_exact_ranks_are_recovered(library: Any) -> None:
    A = np.einsum(
        "abc,ia,jb,kc->ijk", noise((2, 3, 2)), noise((8, 2)), noise((9, 3)), noise((7, 2))
    )
    T = hooi(library.asarray(A), (2, 3, 2))
    assert np.linalg.norm(library.to_numpy(T.full()) - A) <= 1e-13 * np.linalg.norm(A)
    assert T.report is not None
    assert T.report.converged
    assert T.report.iterations == 1


def test_it_goes_on_from_a_start() -> None:
    A = noise((8, 9, 10))
    rough = hooi(A, 3, tol=0.1)
    fine = hooi(A, 3, tol=1e-10, max_iterations=2000, init=rough)
    assert error(fine, A) < error(rough, A)
    random = Tucker(np.ones((3, 3, 3)), [noise((n, 3)) for n in A.shape])
    assert error(hooi(A, 3, init=random, max_iterations=500), A) < 1.02 * error(fine, A)


def test_ranks_beyond_the_product_of_others_are_cut() -> None:
    T = hooi(noise((5, 6, 40)), (2, 3, 30))
    assert T.ranks == (2, 3, 6)


def test_an_end_before_convergence_is_told() -> None:
    A = noise((10, 10, 10))
    with pytest.warns(ConvergenceWarning, match="after 1 sweeps: raise max_iterations or tol"):
        T = hooi(A, 2, tol=1e-12, max_iterations=1)
    assert T.report is not None
    assert not T.report.converged


def test_bad_input_is_named() -> None:
    A = noise((5, 6, 7))
    with pytest.raises(ValueError, match="tol is 0"):
        hooi(A, 2, tol=0)
    with pytest.raises(ValueError, match="max_iterations is 0"):
        hooi(A, 2, max_iterations=0)
    with pytest.raises(ValueError, match=r"ranks \(2, 2, 2\) are needed"):
        hooi(A, 2, init=sthosvd(A, ranks=3))
    with pytest.raises(TypeError, match="init is a ndarray: pass a Tucker tensor"):
        hooi(A, 2, init=A)
    with pytest.raises(TypeError, match="cannot hold complex numbers"):
        hooi(A, 2, init=sthosvd(1j * A, ranks=2))
    assert hooi(np.zeros((3, 4)), 2).norm() == 0
