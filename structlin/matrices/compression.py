"""The cheapest structured approximation of a matrix within a tolerance."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from structlin._backend import is_cupy, is_numpy, scipy_of
from structlin._errors import ConvergenceWarning
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, size_text
from structlin.matrices.butterfly import Butterfly
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal
from structlin.matrices.hankel import Hankel
from structlin.matrices.monarch import Monarch
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.nearest.kronecker import nearest_kronecker, rearranged
from structlin.matrices.nearest.low_rank import nearest_lowrank
from structlin.matrices.nearest.plus_low_rank import nearest_diagonal_plus_lowrank
from structlin.matrices.nearest.toeplitz import nearest_circulant, nearest_toeplitz
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.sparse import Sparse

# shapes of Kronecker factors and of Monarch blocks that are tried, those nearest to a square first
_splits = 4
# steps of the iteration for a diagonal beside a low rank, and what each has to gain
_steps, _gain = 200, 1e-3

# how many numbers a structure will store, its name, and how to get it
Candidate = tuple[int, str, Callable[[], Nearest]]


class Attempt(NamedTuple):
    """One structure that `compress` has tried.

    Parameters
    ----------
    structure : str
        Which one, in words.
    parameters : int
        How many numbers the operator stores; those of a sparse matrix with their indices.
    relative_error : float
        How far the operator is from the matrix in the Frobenius norm.
    operator : LinearOperator
        The approximation.
    """

    structure: str
    parameters: int
    relative_error: float
    operator: LinearOperator


class Compression(NamedTuple):
    """What `compress` has found; ``print`` shows the table, the cheapest structure first.

    Parameters
    ----------
    operator : LinearOperator
        The approximation chosen.
    relative_error : float
        How far it is from the matrix in the Frobenius norm.
    table : tuple of Attempt
        What was tried.
    tol : float
        The relative error that was allowed.
    """

    operator: LinearOperator
    relative_error: float
    table: tuple[Attempt, ...]
    tol: float

    def __str__(self) -> str:
        widest = max(len(attempt.structure) for attempt in self.table)
        lines = [f"{'structure':{widest}}  parameters  relative error"]
        for attempt in sorted(self.table, key=lambda attempt: attempt.parameters):
            verdict = " chosen" if attempt.operator is self.operator else ""
            if attempt.relative_error > self.tol:
                verdict = " too far"
            lines.append(
                f"{attempt.structure:{widest}}  {attempt.parameters:10,}  "
                f"{attempt.relative_error:14.1e}{verdict}"
            )
        return "\n".join(lines)


def compress(W: Any, *, tol: float = 1e-6, rng: Any = None) -> Compression:
    """Return the structured approximation that stores the fewest numbers, within a tolerance.

    Parameters
    ----------
    W : (m, n) array, sparse matrix or operator
        The matrix; it is made dense.
    tol : float, default 1e-6
        Relative error in the Frobenius norm that is allowed. Rounding errors always are:
        ``4 √max(m, n)`` units of the data type.
    rng : seed or numpy.random.Generator, optional
        Start of the randomised projections of large matrices.

    Returns
    -------
    Compression
        ``operator``, ``relative_error``, and ``table``, a tuple of `Attempt`.

    Raises
    ------
    ValueError
        If ``W`` is empty or has NaN or Inf, or ``tol`` is negative.

    Notes
    -----
    Rows and columns stay in their order: no permutation is sought.

    Tried are, wherever the shape allows them: diagonal, circulant, Toeplitz and Hankel matrices;
    sparse ones (the largest entries, on NumPy and CuPy); sums of Kronecker products; matrices of
    low rank with and without a diagonal; Monarch and butterfly matrices; and the matrix itself. Of
    the families that grow (entries, terms, ranks) it is the smallest member within the tolerance.
    Factors and blocks have the few shapes that are nearest to squares.

    What would store no less than the best so far is left out, so that the table has fewer rows
    the better a cheap structure fits. Errors are measured, or follow from all singular values;
    none is estimated. The cost is that of several singular value decompositions,
    ``O(m n min(m, n))`` each, and most of it goes into the iteration for a diagonal beside a low
    rank, which is tried only if the rank of the blocks off the diagonal allows it.

    Examples
    --------
    >>> import numpy as np
    >>> i = np.arange(8.0)
    >>> print(found := compress(abs(i[:, None] - i)))
    structure  parameters  relative error
    Diagonal            8         1.0e+00 too far
    Circulant           8         4.3e-01 too far
    Toeplitz           15         0.0e+00 chosen
    Dense              64         0.0e+00
    >>> found.operator
    <Toeplitz 8x8 float64>
    """
    A = aslinearoperator(W)
    if 0 in A.shape:
        raise ValueError(f"W is {size_text(A.shape)}: an empty matrix cannot be compressed")
    if not tol >= 0:
        raise ValueError(f"tol is {tol!r}: it cannot be negative")
    dense = Dense(A.todense())
    require_finite("W", dense.array)
    eps = float(A.xp.finfo(dense.dtype).eps)
    tol = max(tol, 4 * math.sqrt(max(A.shape)) * eps)
    best = Attempt("Dense", dense.parameters, 0.0, dense)
    table = []
    for parameters, structure, make in _candidates(dense, tol, rng):
        if parameters >= best.parameters:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the error tells
            operator, error = make()
        table.append(Attempt(structure, _stored(operator), float(error), operator))
        if float(error) <= tol and table[-1].parameters < best.parameters:
            best = table[-1]
    table.append(Attempt("Dense", dense.parameters, 0.0, dense))
    return Compression(best.operator, best.relative_error, tuple(table), tol)


def _stored(operator: LinearOperator) -> int:
    return operator.parameters * (2 if isinstance(operator, Sparse) else 1)


def _candidates(W: Dense, tol: float, rng: Any) -> Iterator[Candidate]:
    """Yield candidates, those that cost little first."""
    (m, n), xp = W.shape, W.xp
    size = norm(W.array)
    allowed = tol * size

    if m == n:
        yield n, "Diagonal", lambda: _measured(Diagonal(xp.linalg.diagonal(W.array) + 0), W, size)
        yield n, "Circulant", lambda: nearest_circulant(W)
    yield m + n - 1, "Toeplitz", lambda: nearest_toeplitz(W)
    yield m + n - 1, "Hankel", lambda: _nearest_hankel(W)
    if is_numpy(xp) or is_cupy(xp):
        order = xp.argsort(xp.abs(xp.reshape(W.array, (-1,))), descending=True)
        entries = xp.take(xp.reshape(W.array, (-1,)), order)
        kept = _fewest(xp.abs(entries), allowed, xp)
        yield (
            2 * kept,
            "Sparse",
            lambda: _measured(_sparse(entries[:kept], order[:kept], W), W, size),
        )
    for first in _near_squares(m, n):
        shapes = [first, (m // first[0], n // first[1])]
        terms = _fewest(xp.linalg.svdvals(rearranged(W.array, shapes, xp)), allowed, xp)
        name = f"Kronecker {' ⊗ '.join(map(size_text, shapes))}, {terms} term{'s' * (terms > 1)}"
        yield (
            terms * sum(map(math.prod, shapes)),
            name,
            functools.partial(nearest_kronecker, W, shapes, terms=terms, rng=rng),
        )
    rank = _fewest(xp.linalg.svdvals(W.array), allowed, xp)
    yield (m + n) * rank, f"LowRank, rank {rank}", lambda: nearest_lowrank(W, rank, rng=rng)
    for b, k in _near_squares(m, n):
        make = functools.partial(Monarch.nearest, W, (b, k))
        yield m * k + n * b, f"Monarch, {size_text((b, k))} blocks", make
    if m == n > 2 and n & (n - 1) == 0:
        bits = n.bit_length() - 1
        yield 2 * n * bits, "Butterfly", lambda: Butterfly.nearest(W.array)
    if m == n > 1:
        # the diagonal is no part of these blocks: their rank is a lower bound
        h = n // 2
        least = max(
            _fewest(xp.linalg.svdvals(block), allowed, xp)
            for block in (W.array[:h, h:], W.array[h:, :h])
        )
        for rank in (least, 2 * least):
            make = functools.partial(
                nearest_diagonal_plus_lowrank, W, rank, tol=_gain, max_iterations=_steps
            )
            yield n + 2 * n * rank, f"DiagonalPlusLowRank, rank {rank}", make


def _measured(operator: LinearOperator, W: Dense, size: float) -> Nearest:
    return Nearest(operator, norm(W.array - operator.todense()) / size if size else 0.0)


def _nearest_hankel(W: Dense) -> Nearest:
    # its columns in reverse order make a Toeplitz matrix
    found: Any = nearest_toeplitz(W.xp.flip(W.array, axis=1))
    values, m = found.operator.coefficients, W.shape[0]
    return Nearest(Hankel(values[:m], values[m - 1 :]), found.relative_error)


def _sparse(values: Any, places: Any, W: Dense) -> Sparse:
    """Return the matrix with these entries at these places, counted in C order."""
    n = W.shape[1]
    indices = places // n, places % n
    coo = scipy_of(W.xp, "sparse").coo_matrix((values, indices), shape=W.shape)
    return Sparse(coo.tocsr())


def _fewest(values: Any, allowed: float, xp: Any) -> int:
    """Return how many of these descending values to keep, so that the rest has a small norm."""
    largest = float(values[0])
    if largest == 0:
        return 1
    tails = xp.cumulative_sum(xp.flip(values / largest) ** 2)
    return max(1, int(xp.count_nonzero(tails > (allowed / largest) ** 2)))


def _near_squares(m: int, n: int) -> list[tuple[int, int]]:
    """Return the sizes of true divisors of the rows and columns, the most balanced first."""
    sizes = [(p, q) for p in _divisors(m) for q in _divisors(n)]
    sizes.sort(key=lambda size: abs(math.log(size[0] ** 2 / m)) + abs(math.log(size[1] ** 2 / n)))
    return sizes[:_splits]


def _divisors(n: int) -> range | list[int]:
    return [k for k in range(2, n) if n % k == 0] if n > 1 else range(1, 2)
