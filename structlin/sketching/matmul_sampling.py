"""Products of matrices from a sample of the columns of one and the rows of the other."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import column_norms, norm as euclidean
from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.matrices._base import size_text
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report
from structlin.sketching._selection import columns_of, rows_of
from structlin.sketching.sample_rows import sample_rows


@dataclass(frozen=True, eq=False, kw_only=True)
class SampledProduct(Report):
    """An unbiased estimate of a product of matrices.

    ``error_estimate`` is the root of the mean squared error in the Frobenius norm, estimated
    without bias from the sample (of one draw, its bound below); 0 where nothing was left out.

    Attributes
    ----------
    value : (m, q) array
        The estimate of ``A B``.
    indices : (k,) array
        Which columns of ``A`` and rows of ``B`` were multiplied.
    weights : (k,) array
        What each of their products was multiplied by: 1 in the deterministic head.
    head : int
        How many come first that are there for sure.
    """

    value: Any
    indices: Any
    weights: Any
    head: int

    def __repr__(self) -> str:
        return (
            f"<SampledProduct {size_text(self.value.shape)} of {self.indices.shape[0]} products by "
            f"{self.method}, ± {self.error_estimate:.2g}>"
        )


def sampled_matmul(
    A: Any, B: Any, k: int, *, method: str = "wta", rng: Any = None
) -> SampledProduct:
    """Estimate a product of matrices from ``k`` products of a column and a row.

    Parameters
    ----------
    A : (m, n) array or sparse matrix
        The left factor.
    B : (n, q) array or sparse matrix
        The right factor.
    k : int
        How many columns of ``A`` and rows of ``B`` are multiplied.
    method : {"wta", "cr"}
        "wta" takes the largest products for sure and samples the others; "cr" samples all.
    rng : None, int or numpy.random.Generator, optional
        Gives the key.

    Returns
    -------
    SampledProduct
        ``value``, and ``error_estimate``, its standard error.

    Raises
    ------
    ValueError
        If sizes disagree, ``k`` is not positive, or entries are not finite.
    TypeError
        If a factor is neither an array nor a sparse matrix.

    Notes
    -----
    Let ``pⱼ ∝ ‖A[:, j]‖ ‖B[j, :]‖``, which sum to 1. With ``C`` the ``c`` largest, of sum
    ``P``, the estimate is

        ``Σ_{j∈C} A[:, j] B[j, :] + (1 − P)/(k − c) Σ_t A[:, j_t] B[j_t, :] / p_{j_t}``

    with ``k − c`` draws outside ``C`` in proportion to ``p``. Its expectation is ``A B``, and its
    mean squared error at most ``(Σ ‖A[:, j]‖ ‖B[j, :]‖)² (1 − P)²/(k − c)``: ``c`` makes this
    smallest. ``c = 0`` gives "cr". If ``k`` products are not zero at most, the value is exact.
    ``O(k m q)``, beside the norms.

    References
    ----------
    P. Drineas, R. Kannan and M. W. Mahoney, "Fast Monte Carlo algorithms for matrices I", SIAM J.
    Comput. 36 (2006). Z. Liu et al., "Winner-take-all column row sampling for memory efficient
    adaptation of language model", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.ones((2, 3)) * np.array([10.0, 0.1, 0.1])
    >>> result = sampled_matmul(A, A.T, 2, rng=0)
    >>> result.head, bool(np.abs(result.value - A @ A.T).max() < 1e-10)
    (1, True)
    """
    A, B = as_matrix(A, "A"), as_matrix(B, "B")
    for name, factor in (("A", A), ("B", B)):
        if not isinstance(factor, Dense | Sparse):
            raise TypeError(
                f"{name} is a {type(factor).__name__}: pass an array or a sparse matrix, whose "
                "columns and rows can be read"
            )
    xp = namespace(A, B)
    device(A, B)
    if A.shape[1] != B.shape[0]:
        raise ValueError(
            f"A is {size_text(A.shape)} but B is {size_text(B.shape)}: "
            f"A @ B needs {A.shape[1]} rows in B"
        )
    if method not in ("wta", "cr"):
        raise ValueError(f"method is {method!r}: choose 'wta' or 'cr'")
    k = operator.index(k)
    if k < 1:
        raise ValueError(f"k is {k}: one product at least is needed")
    sizes, unit = _sizes(A, B)
    order = xp.flip(xp.argsort(sizes))
    sizes = xp.take(sizes, order)
    positive = int(xp.sum(xp.astype(sizes > 0, xp.int64)))
    seed = None
    weights = xp.ones(min(k, positive), dtype=sizes.dtype, device=A.device)
    chosen, head, rest = order[:positive], positive, 0.0
    if positive > k:
        tails = xp.flip(xp.cumulative_sum(xp.flip(sizes)))  # Σ of those from c on
        head = 0
        if method == "wta":
            draws = k - xp.arange(k, dtype=sizes.dtype, device=A.device)
            head = int(xp.argmin(tails[:k] / xp.sqrt(draws)))
        rest, seed = float(tails[head]), seed_of(rng)
        sample = sample_rows(sizes[head:], k - head, rng=seed)
        chosen = xp.concat([order[:head], xp.take(order[head:], sample.indices)])
        weights = xp.concat([weights[:head], sample.weights**2])
    dtype = xp.result_type(A.dtype, B.dtype)
    left, right = columns_of(A, chosen), rows_of(B, chosen)
    left = xp.astype(left * xp.astype(weights, left.dtype), dtype, copy=False)
    right = xp.astype(right, dtype, copy=False)
    tail = left[:, head:] @ right[head:, :]
    return SampledProduct(
        value=left[:, :head] @ right[:head, :] + tail,
        indices=chosen,
        weights=xp.astype(weights, xp.finfo(dtype).dtype),
        head=head,
        method="exact" if positive <= k else method,
        error_estimate=_error(rest * unit, euclidean(tail), k - head) if rest else 0.0,
        passes=2,
        seed=seed,
    )


def _error(bound: float, tail: float, draws: int) -> float:
    """Return the estimate ``√((bound² − ‖tail‖²)/(draws − 1))`` of the root mean squared error."""
    if draws == 1:
        return bound
    return math.sqrt(max(0.0, bound - tail)) * math.sqrt((bound + tail) / (draws - 1))


def _sizes(A: LinearOperator, B: LinearOperator) -> tuple[Any, float]:
    """Return ``‖A[:, j]‖ ‖B[j, :]‖`` in double precision, in units of the second result."""
    xp = A.xp
    norms = [xp.astype(_column_norms(factor), xp.float64) for factor in (A, B.T)]
    if 0 in norms[0].shape:
        return norms[0], 1.0
    largest = [float(xp.max(one)) or 1.0 for one in norms]
    return (norms[0] / largest[0]) * (norms[1] / largest[1]), largest[0] * largest[1]


def _column_norms(A: LinearOperator) -> Any:
    if isinstance(A, Dense):
        return column_norms(A.array)
    xp, columns = A.xp, A.matrix.tocsc()  # type: ignore[attr-defined]
    largest = float(xp.max(xp.abs(columns.data))) if columns.nnz else 0.0
    if largest == 0.0:
        return xp.zeros(A.shape[1], dtype=A.real_dtype)
    squared = abs(columns / largest).power(2).sum(axis=0)
    return largest * xp.sqrt(xp.reshape(xp.asarray(squared), (-1,)))
