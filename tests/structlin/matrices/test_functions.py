"""The functions of operators: values from formulas and tables, errors, and what `explain` tells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from structlin import ConvergenceError
from structlin.matrices import (
    Adjoint,
    Dense,
    Diagonal,
    Identity,
    Inverse,
    Kronecker,
    KroneckerSum,
    LinearOperator,
    Scaled,
    Sparse,
    Sum,
    Transpose,
    cholesky,
    cond,
    eig,
    eigh,
    explain,
    expm,
    inv,
    is_hermitian,
    lstsq,
    norm,
    pinv,
    rank,
    rule,
    slogdet,
    solve,
    svd,
    svdvals,
)
from structlin.matrices.fallback import dense_limit
from tests.conftest import ArrayLibrary

ORDERS: Any = ("fro", "nuc", 1, 2, math.inf)


class Plain(LinearOperator):
    """An operator without rules, of a given dense matrix."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        super().__init__(matrix.shape, like=matrix)

    def _matmat(self, X: Any) -> Any:
        return self.xp.astype(self.matrix, X.dtype) @ X

    def _rmatmat(self, X: Any) -> Any:
        matrix = self.xp.conj(self.matrix) if self.is_complex else self.matrix
        return self.xp.astype(self.xp.matrix_transpose(matrix), X.dtype) @ X


class Entrywise(LinearOperator):
    """A diagonal matrix of any size, without rules."""

    def __init__(self, d: Any) -> None:
        self.d = d
        super().__init__(d.shape * 2, like=d)

    def _matmat(self, X: Any) -> Any:
        return self.d[:, None] * X

    def _rmatmat(self, X: Any) -> Any:
        return self.d.conj()[:, None] * X


HILBERT = 1 / (1 + np.arange(5)[:, None] + np.arange(5.0))
MAGIC = np.array([[16.0, 2, 3, 13], [5, 11, 10, 8], [9, 7, 6, 12], [4, 14, 15, 1]])


@pytest.fixture(params=[Dense, Plain], ids=["dense", "plain"])
def wrap(request: Any) -> Any:
    return request.param


# values from formulas


def test_norms_of_known_matrices(library: ArrayLibrary, wrap: Any) -> None:
    # singular values of [[3, 0], [4, 5]]: √45 and √5
    A = wrap(library.asarray([[3.0, 0.0], [4.0, 5.0], [0.0, 0.0]]))
    values = {"fro": 50**0.5, "nuc": 45**0.5 + 5**0.5, 1: 7, 2: 45**0.5, math.inf: 9}
    for ord, value in values.items():
        assert float(norm(A, ord)) == pytest.approx(value, rel=1e-14)
        swapped: Any = {1: math.inf, math.inf: 1}.get(ord, ord)  # type: ignore[call-overload]
        assert float(norm(A.H, swapped)) == pytest.approx(value, rel=1e-14)
    assert float(cond(A)) == pytest.approx(3, rel=1e-14)
    assert rank(A) == 2


def test_condition_of_hilbert_matrices(wrap: Any) -> None:
    # N. J. Higham, "Accuracy and stability of numerical algorithms": 748 and 943656 are exact
    assert float(cond(wrap(HILBERT[:3, :3]), 1)) == pytest.approx(748, rel=1e-12)
    assert float(cond(wrap(HILBERT), math.inf)) == pytest.approx(943656, rel=1e-9)
    assert float(cond(wrap(HILBERT))) == pytest.approx(4.766072502e5, rel=1e-9)


def test_rank_of_the_magic_square(library: ArrayLibrary, wrap: Any) -> None:
    for scale in (1.0, 1e-150, 1e150):
        A = wrap(library.asarray(MAGIC * scale))
        assert rank(A) == 3
        # 34, 8 √5 and 2 √5
        expected = scale * np.array([34, 8 * 5**0.5, 2 * 5**0.5, 0])
        np.testing.assert_allclose(library.to_numpy(svdvals(A)), expected, atol=1e-13 * scale)
        assert float(cond(A)) > 1e15


def test_least_squares_of_laeuchli(library: ArrayLibrary, wrap: Any) -> None:
    # normal equations lose ε² here; x = b₀ / (n + ε²)
    n, small = 3, 1e-6
    A = wrap(library.asarray(np.vstack([np.ones((1, n)), small * np.eye(n)])))
    x = lstsq(A, library.asarray([3.0] + [0.0] * n))
    np.testing.assert_allclose(library.to_numpy(x), np.full(n, 3 / (n + small**2)), rtol=1e-9)


def test_least_norm(library: ArrayLibrary, wrap: Any) -> None:
    u, v = np.array([1.0, 2.0, -2.0]), np.array([3.0, 0.0, 4.0, 0.0])
    A = wrap(library.asarray(np.outer(u, v)))
    expected = np.outer(v, u) / (9 * 25)
    np.testing.assert_allclose(library.to_numpy(pinv(A).todense()), expected, atol=1e-16)
    b = np.array([1.0, 0.0, 1.0])
    np.testing.assert_allclose(
        library.to_numpy(lstsq(A, library.asarray(b))), expected @ b, atol=1e-16
    )
    wide = wrap(library.asarray(np.ones((1, 4))))
    np.testing.assert_allclose(library.to_numpy(lstsq(wide, library.asarray([2.0]))), 0.5)


def test_cholesky_of_pascal_matrices(library: ArrayLibrary, wrap: Any) -> None:
    n = 6
    binomials = np.array([[math.comb(i, j) for j in range(n)] for i in range(n)], dtype=float)
    L = cholesky(wrap(library.asarray(scipy.linalg.pascal(n).astype(float))))
    np.testing.assert_allclose(library.to_numpy(L.todense()), binomials, atol=1e-12)


def test_exponentials(library: ArrayLibrary, wrap: Any) -> None:
    # C. Moler and C. Van Loan, "Nineteen dubious ways to compute the exponential of a matrix":
    # eigenvalues −1 and −17, for which the series fails
    V = np.array([[1.0, 3.0], [2.0, 4.0]])
    exact = V @ np.diag(np.exp([-1.0, -17.0])) @ np.linalg.inv(V)
    found = expm(wrap(library.asarray([[-49.0, 24.0], [-64.0, 31.0]])))
    np.testing.assert_allclose(library.to_numpy(found.todense()), exact, atol=1e-12)
    angle = 20.0
    rotation = expm(wrap(library.asarray([[0.0, -angle], [angle, 0.0]])))
    c, s = math.cos(angle), math.sin(angle)
    np.testing.assert_allclose(library.to_numpy(rotation.todense()), [[c, -s], [s, c]], atol=1e-13)
    nilpotent = np.diag([1.0, 2.0, 3.0], k=1)
    series = np.eye(4) + nilpotent + nilpotent @ nilpotent / 2
    series += nilpotent @ nilpotent @ nilpotent / 6
    found = expm(wrap(library.asarray(nilpotent)))
    np.testing.assert_allclose(library.to_numpy(found.todense()), series, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("size", [0.0, 1e-9, 1.0, 30.0])
def test_exponentials_without_scipy(dtype: str, size: float) -> None:
    strict = pytest.importorskip("array_api_strict")
    rng = np.random.default_rng(3)
    M = (size * rng.standard_normal((5, 5)) / 5 * (1j if "complex" in dtype else 1)).astype(dtype)
    found = expm(strict.asarray(M)).todense()
    assert str(found.dtype).endswith(dtype)
    exact = scipy.linalg.expm(M.astype(np.complex128))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(
        np.asarray(found), exact, atol=50 * (1 + size) * eps * np.linalg.norm(exact)
    )


def test_eigenvalues_of_a_cycle(library: ArrayLibrary, wrap: Any) -> None:
    # the roots of unity
    n = 7
    w, V = eig(wrap(library.asarray(np.roll(np.eye(n), 1, axis=0))))
    w, vectors = library.to_numpy(w), library.to_numpy(V.todense())
    np.testing.assert_allclose(w**n, 1, atol=1e-13)
    assert len({round(float(angle), 6) for angle in np.angle(w)}) == n
    np.testing.assert_allclose(abs(vectors), n**-0.5, atol=1e-13)


def test_eigenvectors_of_a_defective_matrix() -> None:
    J = np.array([[2.0, 1.0], [0.0, 2.0]])
    w, V = eig(J)
    np.testing.assert_allclose(w, [2, 2])
    np.testing.assert_allclose(abs(V.todense()), [[1, 1], [0, 0]], atol=1e-15)


def test_eig_of_hermitian_matrices_is_orthonormal() -> None:
    H = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1.0]])  # an eigenvalue twice
    for A in (H, Kronecker(H, np.eye(2))):
        w, V = eig(A)
        assert w.dtype == V.dtype == np.complex128
        Q = V.todense()
        np.testing.assert_allclose(Q.conj().T @ Q, np.eye(len(w)), atol=1e-14)


# sizes of numbers


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_norms_neither_overflow_nor_vanish(wrap: Any, scale: float) -> None:
    M = np.array([[1.0, 2.0], [0.0, 2.0], [0.0, 0.0]])
    sparse = Sparse(scipy.sparse.csr_array(scale * M))
    for A in (wrap(scale * M), wrap(scale * M.T), sparse, Diagonal(scale * np.array([3.0, 0.0]))):
        assert norm(A) == pytest.approx(3 * scale, rel=1e-14)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_ranks_and_pseudoinverses_scale(scale: float) -> None:
    M = scale * np.outer([1.0, 2.0, 3.0], [1.0, 1.0])
    for A in (Dense(M), Plain(M), scale * Plain(M / scale), Diagonal(scale * np.array([1.0, 0]))):
        assert rank(A) == 1
        P, D = pinv(A).todense(), A.todense()
        np.testing.assert_allclose(P @ D @ P, P, atol=1e-14 * np.linalg.norm(P))


# closed forms


@pytest.mark.parametrize(
    "entries", [[2.0, -0.5, 3.0], [1.0, 0.0, 1e-20], [1j, 2.0, -3 + 4j], [5.0]]
)
def test_diagonal_matrices(library: ArrayLibrary, entries: list[complex]) -> None:
    D = np.diag(entries)
    A = Diagonal(library.asarray(np.asarray(entries)))
    b = np.arange(1.0, len(entries) + 1)
    for ord in ORDERS:
        assert float(norm(A, ord)) == pytest.approx(np.linalg.norm(D, ord), rel=1e-14)
        if np.abs(entries).min() > 1e-3:
            assert float(cond(A, ord)) == pytest.approx(np.linalg.cond(D, ord), rel=1e-13)
        elif not np.abs(entries).min():
            assert float(cond(A, ord)) == math.inf
    P = np.linalg.pinv(D)
    np.testing.assert_allclose(library.to_numpy(pinv(A).todense()), P, rtol=1e-14)
    np.testing.assert_allclose(library.to_numpy(lstsq(A, library.asarray(b))), P @ b, rtol=1e-14)
    assert rank(A) == np.linalg.matrix_rank(D)
    for function in (pinv, expm):
        assert isinstance(function(A), Diagonal)
    U, S, Vh = svd(A)
    assert isinstance(U, Diagonal)
    assert isinstance(Vh, Identity)
    np.testing.assert_allclose(library.to_numpy(S), np.abs(entries), rtol=1e-15)


def test_identities() -> None:
    A = Identity(4)
    for ord in ORDERS:
        assert norm(A, ord) == np.linalg.norm(np.eye(4), ord)
        assert cond(A, ord) == pytest.approx(np.linalg.cond(np.eye(4), ord))
    assert rank(Identity(2**70)) == 2**70
    assert norm(Identity(2**70), "nuc") == 2.0**70
    for made in (pinv(A), cholesky(A), *svd(A)[::2]):
        assert made is A
    np.testing.assert_allclose(expm(A).todense(), math.e * np.eye(4))


def test_sparse_norms_count_repeated_entries_once() -> None:
    rows, columns, values = [0, 0, 1, 2], [1, 1, 0, 1], [3.0, -1.0, 4.0, 2.0]
    made = scipy.sparse.coo_array((values, (rows, columns)), shape=(3, 2))
    unsummed = scipy.sparse.csr_array(
        (np.array(values), np.array(columns), np.array([0, 2, 3, 4])), shape=(3, 2)
    )
    for matrix in (made, unsummed, unsummed.T):
        A, D = Sparse(matrix), matrix.toarray()
        entries = matrix.nnz
        for ord in ORDERS:
            assert norm(A, ord) == pytest.approx(np.linalg.norm(D, ord), rel=1e-14)
        assert matrix.nnz == entries


def test_multiples_and_adjoints_keep_what_is_known() -> None:
    K = Kronecker(np.diag([1.0, 2.0]), np.array([[3.0, 0.0], [4.0, 5.0]]))
    for A in (2 * K, Scaled(-2, K), Adjoint(K), Transpose(K), Inverse(K)):
        told = explain("svdvals", A)
        assert len(told.parts) == 1
        U, S, Vh = svd(A).sorted()
        np.testing.assert_allclose(S, np.linalg.svd(A.todense())[1], rtol=1e-14)
        np.testing.assert_allclose((U.todense() * S) @ Vh.todense(), A.todense(), atol=1e-13)
        for ord in ORDERS:
            assert norm(A, ord) == pytest.approx(np.linalg.norm(A.todense(), ord), rel=1e-13)
    assert pinv(Inverse(K)) is K
    zero = 0 * K
    assert rank(zero) == 0
    assert cond(zero) == cond(zero, 1) == math.inf
    assert norm(zero, 2) == 0
    assert not lstsq(zero, np.ones(4)).any()
    assert not pinv(zero).todense().any()


def test_shifts_have_the_eigenvectors_of_what_is_shifted() -> None:
    H = np.array([[2.0, 1.0], [1.0, 3.0]])
    A = Sum(Kronecker(H, H), 3 * Identity(4))
    assert is_hermitian(A)
    w, V = eigh(A)
    np.testing.assert_allclose(np.sort(w), np.linalg.eigvalsh(A.todense()), rtol=1e-14)
    assert isinstance(V, Kronecker)
    for name in ("eigh", "svd", "svdvals", "expm", "pinv"):
        assert "dense" not in repr(explain(name, A).how)
    np.testing.assert_allclose(expm(A).todense(), scipy.linalg.expm(A.todense()), rtol=1e-10)
    turned = Sum(Kronecker(np.triu(H), H), 2j * Identity(4))
    np.testing.assert_allclose(
        expm(turned).todense(), scipy.linalg.expm(turned.todense()), rtol=1e-10, atol=1e-10
    )
    # a large shift must not overflow on the way to a small number
    down = Sum(Kronecker(-900 * np.eye(1), np.eye(2)), 800 * Identity(2))
    np.testing.assert_allclose(expm(down).todense(), math.exp(-100) * np.eye(2), rtol=1e-11)


def test_adjoints_are_solved_by_the_structure() -> None:
    rng = np.random.default_rng(2)

    class Knowing(Plain):
        """An operator that knows its inverse, but has no rule for its adjoint."""

    rule(inv, Knowing, how="known")(lambda A: Plain(np.linalg.inv(A.matrix)))
    M = rng.standard_normal((60, 60)) + 1j * rng.standard_normal((60, 60))
    b = rng.standard_normal(60)
    for A, D in ((Knowing(M).H, M.conj().T), (Knowing(M).T, M.T)):
        assert explain("solve", A).how.startswith("product with the inverse")
        np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-9)

    class Lazy(Plain):
        """An operator whose inverse solves at each product."""

    rule(inv, Lazy, how="solves")(Inverse)
    for A, D in ((Lazy(M).H, M.conj().T), (Lazy(M).T, M.T)):
        np.testing.assert_allclose(solve(A, b), np.linalg.solve(D, b), rtol=1e-9)
        np.testing.assert_allclose(inv(A) @ b, np.linalg.solve(D, b), rtol=1e-9)


# the order: structure, iteration, dense


def test_hermitian_structures_need_eigenvectors_only() -> None:
    class Reflection(LinearOperator):
        """I − 2 u uᵀ: a structure that knows its eigenvectors, no more."""

        def __init__(self, u: Any) -> None:
            self.u = u / np.linalg.norm(u)
            super().__init__(u.shape * 2, like=u)

        def _matmat(self, X: Any) -> Any:
            return X - 2 * self.u[:, None] * (self.u @ X)

        _rmatmat = _matmat

    rule(is_hermitian, Reflection)(lambda A: True)

    @rule(eigh, Reflection, how="u and what is orthogonal to it")
    def _eigh(A: Reflection) -> Any:
        n = A.shape[0]
        V = np.linalg.svd(A.u[:, None])[0]
        return np.array([-1.0] + [1.0] * (n - 1)), Dense(V)

    A = Reflection(np.array([1.0, 2.0, 2.0]))
    D = A.todense()
    for name in ("svd", "svdvals", "eig", "expm", "pinv", "lstsq", "rank", "cond"):
        assert "dense" not in explain(name, A).how
    np.testing.assert_allclose(svdvals(A), 1)
    np.testing.assert_allclose(pinv(A).todense(), D, atol=1e-15)
    np.testing.assert_allclose(lstsq(A, np.ones(3)), D @ np.ones(3), atol=1e-15)
    np.testing.assert_allclose(expm(A).todense(), scipy.linalg.expm(D), atol=1e-14)
    assert cond(A) == pytest.approx(1)
    assert (rank(A), norm(A, "nuc")) == (3, pytest.approx(3))
    # also within what is made of it
    assert "dense" not in explain("pinv", 2 * A).parts[0].how
    assert explain("lstsq", A + Plain(D)).how.startswith("LSMR")


def test_singular_values_that_a_structure_leaves_out_are_zero() -> None:
    class Outer(Plain):
        pass

    rule(svd, Outer, how="one triplet")(
        lambda A: (
            Dense(np.ones((3, 1)) / 3**0.5),
            np.array([6.0]),
            Dense(np.ones((1, 3)) / 3**0.5),
        )
    )
    A = Outer(2 * np.ones((3, 3)))
    np.testing.assert_array_equal(svdvals(A), [6, 0, 0])
    assert rank(A) == 1
    assert cond(A) == math.inf
    np.testing.assert_allclose(pinv(A).todense(), np.full((3, 3), 1 / 18))
    np.testing.assert_allclose(lstsq(A, np.array([6.0, 0.0, 0.0])), np.full(3, 1 / 3))


def test_iterative_least_squares() -> None:
    rng = np.random.default_rng(8)
    n = dense_limit + 50
    d = 1 + rng.random(n)
    A = Entrywise(d)[:, : n - 7]
    b = rng.standard_normal((n, 2))
    assert explain("lstsq", A).fallback[-1].startswith("none")
    expected = b[: n - 7] / d[: n - 7, None]
    np.testing.assert_allclose(lstsq(A, b), expected, atol=1e-12)


def test_least_squares_that_the_iteration_cannot_reach(library: ArrayLibrary) -> None:
    V = np.vander(np.linspace(0, 1, 12), 8)
    b = np.cos(3 * np.linspace(0, 1, 12))
    x = lstsq(Plain(library.asarray(V)), library.asarray(b))
    exact = scipy.linalg.lstsq(V, b)[0]
    np.testing.assert_allclose(library.to_numpy(x), exact, rtol=1e-7)
    if library.name != "strict":
        assert explain("lstsq", Plain(library.asarray(V))).fallback == (
            "dense singular value decomposition",
        )


def test_least_squares_beyond_the_cap() -> None:
    n = dense_limit + 1
    A = Entrywise(np.geomspace(1, 1e-9, n))
    with pytest.raises(ConvergenceError, match=r"LSMR did not reach .* preconditioned"):
        lstsq(A, np.ones(n))
    assert not lstsq(A, np.zeros(n)).any()


@pytest.mark.parametrize("shape", [(dense_limit + 1, dense_limit + 1), (3, dense_limit + 1)])
def test_refusals_beyond_the_cap(shape: tuple[int, int]) -> None:
    A = Plain(np.zeros(shape, dtype=np.float32))
    functions: list[Any] = [pinv, svd, svdvals, rank, cond, lambda A: norm(A, "nuc")]
    if shape[0] == shape[1]:
        functions += [eig, eigh, cholesky, expm]
    for function in functions:
        with pytest.raises(ValueError, match=r"has no rule for .* above 4096 rows or columns"):
            function(A)
    for ord in ("fro", 1, math.inf):
        assert norm(A[:, :60], ord) == 0
    assert explain("pinv", A).how.startswith("none")


def test_spectral_norm_beyond_the_cap() -> None:
    n = dense_limit + 500
    d = np.geomspace(3, 1e-3, n)
    d[n // 2] = -7.5
    A = Entrywise(d)
    assert "ARPACK" in repr(explain("norm", A))
    assert norm(A, 2) == pytest.approx(7.5, rel=1e-13)
    assert norm(A, 2) == norm(A, 2)
    assert norm(A[:, : n // 2 + 1], 2) == pytest.approx(7.5, rel=1e-13)
    assert norm(A) == pytest.approx(np.linalg.norm(d), rel=1e-13)
    assert norm(A, 1) == norm(A, math.inf) == 7.5


def test_factorisations_serve_the_next_right_hand_side() -> None:
    A = Dense(HILBERT[:, :3])
    lstsq(A, np.ones(5))
    kept = A._svd
    lstsq(A, np.zeros(5))
    assert A._svd is kept


def test_single_precision_matrices_serve_double_precision() -> None:
    M = np.array([[1, 2], [3, 4], [5, 7]], dtype=np.float32)
    b = np.array([1.0, 0.1, 0.01])
    exact = np.linalg.lstsq(M.astype(float), b)[0]
    for A in (Dense(M), Plain(M)):
        x = lstsq(A, b)
        assert x.dtype == np.float64
        np.testing.assert_allclose(x, exact, rtol=1e-12)
        assert lstsq(A, b.astype(np.float32)).dtype == np.float32
        assert pinv(A).dtype == norm(A).dtype == svd(A).U.dtype == np.float32
        assert eig(A[:2, :]).eigenvalues.dtype == np.complex64


# errors


@pytest.mark.parametrize("ord", [3, "Fro", -1, math.nan, -2])
def test_unknown_norms(ord: Any) -> None:
    for function in (norm, cond):
        with pytest.raises(ValueError, match="choose one of 'fro', 'nuc', 1, 2, inf"):
            function(np.eye(2), ord)


def test_shapes_that_have_no_answer() -> None:
    for shape in ((0, 0), (0, 3)):
        with pytest.raises(ValueError, match="an empty matrix has no condition number"):
            cond(np.zeros(shape))
    with pytest.raises(ValueError, match="A is 2x3: cond needs a square matrix"):
        cond(np.ones((2, 3)), 1)
    assert cond(np.ones((2, 3))) > 1e15
    for function in (eig, cholesky, expm):
        with pytest.raises(ValueError, match=f"A is 2x3: {function.__name__} needs a square"):
            function(np.ones((2, 3)))
    with pytest.raises(ValueError, match="b has 3 rows but A is 2x3: lstsq needs 2 rows"):
        lstsq(np.ones((2, 3)), np.ones(3))


def test_matrices_without_a_cholesky_factor(library: ArrayLibrary, wrap: Any) -> None:
    for M in ([[1.0, 2.0], [2.0, 1.0]], [[0.0]], [[1.0, 0.0], [0.0, -1.0]]):
        with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
            cholesky(wrap(library.asarray(M)))
    for M in ([[1.0, 2.0], [0.0, 1.0]], [[1j]]):
        with pytest.raises(ValueError, match="is not Hermitian"):
            cholesky(wrap(library.asarray(M)))
    with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
        cholesky(Diagonal(library.asarray([1.0, 0.0])))
    with pytest.raises(ValueError, match="is not Hermitian"):
        cholesky(Diagonal(library.asarray([1j])))
    with pytest.raises(np.linalg.LinAlgError, match="is not positive definite"):
        cholesky(-2 * Kronecker(library.asarray(np.eye(2)), library.asarray(np.eye(2))))


def test_meaningless_input() -> None:
    with pytest.raises(ValueError, match=r"b has a NaN or Inf at \[1\]"):
        lstsq(np.eye(2), np.array([0.0, math.inf]))
    M = np.eye(3)
    M[1, 1] = math.nan
    for A in (M, Plain(M), Diagonal(np.diag(M)), 2 * Plain(M), Sum(M, M)):
        for function in (pinv, svd, svdvals, eig, cholesky, expm, rank, cond, _solved):
            with pytest.raises(ValueError, match="NaN or Inf"):
                function(A)
        assert math.isnan(norm(A))


def _solved(A: Any) -> Any:
    return lstsq(A, np.ones(3))


def test_libraries_without_eig(monkeypatch: pytest.MonkeyPatch) -> None:
    A = Dense(np.array([[0.0, 1.0], [2.0, 0.0]]))
    monkeypatch.delattr(A.xp.linalg, "eig")
    with pytest.raises(TypeError, match="has no eig for matrices that are not Hermitian"):
        eig(A)
    np.testing.assert_allclose(eig(A + A.H).eigenvalues, [-3, 3])


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_empty_matrices(library: ArrayLibrary, wrap: Any, shape: tuple[int, int]) -> None:
    A = wrap(library.asarray(np.zeros(shape)))
    m, n = shape
    assert pinv(A).shape == (n, m)
    assert lstsq(A, library.asarray(np.ones((m, 2)))).shape == (n, 2)
    assert [part.shape for part in svd(A)] == [(m, 0), (0,), (0, n)]
    assert svdvals(A).shape == (0,)
    assert rank(A) == 0
    for ord in ORDERS:
        assert float(norm(A, ord)) == 0
    if m == n:
        assert expm(A).shape == cholesky(A).shape == eig(A).eigenvectors.shape == (0, 0)


def test_exponentials_of_two_rows_to_the_last_digits() -> None:
    # exp(A) of a matrix with eigenvalues 3 ± 1e-3: explicit formulas with cosh and sinh cancel
    A = np.array([[3.0, 2.0], [5e-7, 3.0]])
    root = math.sqrt(1e-6)
    even, odd = math.exp(3) * math.cosh(root), math.exp(3) * math.sinh(root) / root
    expected = np.array([[even, 2 * odd], [5e-7 * odd, even]])
    np.testing.assert_allclose(expm(A).todense(), expected, rtol=1e-14)
    assert not expm(np.diag([-1e308, -1e308])).todense().any()


@pytest.mark.parametrize("tiny", [5e-324, 2e-320, 1e-310])
def test_determinants_of_complex_subnormal_numbers(tiny: float) -> None:
    sign, logarithm = slogdet(Diagonal(np.array([1j * tiny, -tiny, 2.0])))
    assert sign == pytest.approx(-1j, abs=1e-15)
    assert logarithm == pytest.approx(2 * math.log(tiny) + math.log(2), rel=1e-14)


def test_results_share_no_memory_with_the_operator() -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    for A in (Dense(matrix), KroneckerSum(matrix), Kronecker(matrix, matrix) + 2 * Identity(4)):
        before = A.todense()
        for result in (A[0, :], A[:, 1], eigh(A).eigenvalues, svd(A).S):
            result[...] = 7.0
        np.testing.assert_array_equal(A.todense(), before)
        expected = np.linalg.eigvalsh(before)
        np.testing.assert_allclose(eigh(A).sorted().eigenvalues, expected)
        np.testing.assert_allclose(svd(A).sorted().S, expected[::-1])


@pytest.mark.parametrize("scalar", [math.nan, math.inf])
def test_multiples_that_are_not_finite(scalar: float) -> None:
    A = Scaled(scalar, Diagonal(np.ones(2)))
    for function in (inv, pinv, lambda A: solve(A, np.ones(2)), lambda A: lstsq(A, np.ones(2))):
        with pytest.raises(ValueError, match="its scalar must be finite"):
            function(A)


def test_constructors_name_what_they_got() -> None:
    with pytest.raises(TypeError, match="scalar is of type str"):
        Scaled("2", np.eye(2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no terms"):
        Sum()
    with pytest.raises(TypeError, match="ndarray is no sparse matrix"):
        Sparse(np.eye(2))
    with pytest.raises(TypeError, match="dtype object is not numeric"):
        solve(Dense(np.eye(2)), np.ones(2, dtype=object))
