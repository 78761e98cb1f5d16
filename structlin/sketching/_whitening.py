"""Matrices that make the columns of a tall one orthonormal: ``A T``, of full rank."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from structlin._backend import scipy_of
from structlin._norm import column_norms
from structlin.matrices import Dense, Diagonal, LinearOperator, Sparse
from structlin.matrices._base import adjoint_of
from structlin.matrices.systems import negligible
from structlin.sketching._operand import needing_adjoint
from structlin.sketching._superblocks import SUPERBLOCK, superblocks
from structlin.sketching.row_blocks import RowBlocks, Summand

# operations up to which "auto" takes an exact factorization of a stored matrix: about a second
_affordable = 2e10


def is_exact(method: str, A: LinearOperator) -> bool:
    """Tell whether factors of ``A`` are exact, by the option ``method`` of a user.

    "auto" sketches what is read by rows, or takes more than a second, if the sketch is smaller.
    """
    if method not in ("auto", "exact", "sketched"):
        raise ValueError(f"method is {method!r}: choose 'auto', 'exact' or 'sketched'")
    m, n = A.shape
    if m <= sketch_rows(n) or n == 0:
        return True
    if method == "auto":
        return not isinstance(A, RowBlocks) and 4.0 * m * n * n <= _affordable
    return method == "exact"


def sketch_rows(n: int) -> int:
    """Return how many rows a sketch of ``n`` columns has: singular values change by a third.

    A few columns need more than a multiple of theirs, as the chance of a bad sketch is not small.
    """
    return 8 * (n + 8)


def dense_of(A: LinearOperator) -> Any:
    """Return the entries of an operator: not copied where they are stored."""
    return A.array if isinstance(A, Dense) else A.todense()


def _with_rows_scaled(A: LinearOperator, scale: Any) -> LinearOperator:
    """Return ``diag(scale) A`` of what is not read by rows."""
    if scale is None:
        return A
    if isinstance(A, Dense):
        return Dense(scale[:, None] * A.array)
    if isinstance(A, Sparse):
        return Sparse(scipy_of(A.xp, "sparse").diags(scale, format="csr") @ A.matrix)
    scaled: LinearOperator = Diagonal(scale) @ A
    return scaled


def factor(A: LinearOperator, scale: Any = None) -> Any:
    """Return the triangle ``R`` of ``diag(scale) A = Q R``: in one pass where it is read by rows.

    Returns
    -------
    (min(m, n), n) array
    """
    xp = A.xp
    if not isinstance(A, RowBlocks):
        return _triangle(dense_of(_with_rows_scaled(A, scale)), xp)

    tile = min(SUPERBLOCK, max(1024, 1 << (4 * A.shape[1]).bit_length()))

    def add(R: Any, block: Any, start: int) -> Any:
        block = _scaled(block, start, scale)
        for low in range(0, block.shape[0], tile):  # whatever the blocks are
            part = block[low : min(low + tile, block.shape[0]), :]
            R = _triangle(xp.concat([R, part]), xp)
        return R

    none = xp.zeros((0, A.shape[1]), dtype=A.dtype, device=A.device)

    total = Summand(lambda: none, add, tile, lambda R, other: _triangle(xp.concat([R, other]), xp))
    return A.one_pass([total])[0][0]


def sketched_factor(S: Any, A: LinearOperator, scale: Any = None) -> Any:
    """Return the triangle of the sketch of ``diag(scale) A``."""
    if not isinstance(A, RowBlocks):
        with needing_adjoint(A, "method='sketched'"):
            return _triangle(S.apply(_with_rows_scaled(A, scale)), A.xp)
    plain = S.summand(A)

    def add(Y: Any, block: Any, start: int) -> Any:
        return plain.add(Y, _scaled(block, start, scale), start)

    sketch = A.one_pass([Summand(plain.zero, add, plain.granule)])[0][0]
    return _triangle(sketch * S.scale, A.xp)


def whitener(R: Any, shape: tuple[int, int], xp: ModuleType) -> Any:
    """Return ``T`` for which ``R T`` is orthonormal and has the range of ``R``.

    Directions whose singular values are negligible once the columns have unit norm are left out.
    ``shape`` is that of the matrix whose factor ``R`` is.

    Returns
    -------
    (n, r) array
    """
    units = column_norms(R)
    units = xp.where(units > 0, units, 1)
    _, s, Vh = xp.linalg.svd(R / units, full_matrices=False)
    r = _rank(s, shape, xp)
    return adjoint_of(Vh[:r, :], xp) / s[:r] / units[:, None]


def range_basis(A: Any, xp: ModuleType) -> Any:
    """Return an orthonormal basis of the range of an array, its columns scaled to unit norm first.

    Returns
    -------
    (m, r) array
    """
    if 0 in A.shape:
        return A[:, :0]
    nonzero = xp.astype(xp.any(A != 0, axis=1), A.dtype)[:, None]
    units = column_norms(A)
    A = A / xp.where(units > 0, units, 1)
    if A.shape[0] > A.shape[1]:
        Q, R = xp.linalg.qr(A)
        U, s, _ = xp.linalg.svd(R, full_matrices=False)
        return nonzero * (Q @ U[:, : _rank(s, A.shape, xp)])
    U, s, _ = xp.linalg.svd(A, full_matrices=False)
    return nonzero * U[:, : _rank(s, A.shape, xp)]


def squared_rows(A: LinearOperator, T: Any) -> Any:
    """Return the squared Euclidean norms of the rows of ``A T``, in one pass."""
    xp = A.xp
    T = xp.astype(T, A.dtype, copy=False)

    def of_block(X: Any) -> Any:
        return squares(X @ T, xp)

    if isinstance(A, RowBlocks):
        return A.one_pass(rows=[of_block])[1][0]
    if isinstance(A, Dense):
        none = of_block(A.array[:0, :])
        blocks = (A.array[start:stop, :] for start, stop in superblocks(A.shape[0]))
        return xp.concat([none, *map(of_block, blocks)])
    return squares(A @ T, xp)


def squares(X: Any, xp: ModuleType) -> Any:
    """Return the squared Euclidean norms of the rows of an array."""
    return xp.sum(xp.abs(X) ** 2, axis=1)


def _rank(s: Any, shape: tuple[int, int], xp: ModuleType) -> int:
    return int(xp.sum(xp.astype(~negligible(s, shape, xp), xp.int64)))


def _triangle(X: Any, xp: ModuleType) -> Any:
    return X if 0 in X.shape else xp.linalg.qr(X)[1]


def _scaled(block: Any, start: int, scale: Any) -> Any:
    return block if scale is None else scale[start : start + block.shape[0]][:, None] * block
