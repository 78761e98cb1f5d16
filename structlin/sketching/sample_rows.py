"""Samples of the rows of a matrix, chosen at random by weights."""

from __future__ import annotations

import operator
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device, namespace, scipy_of
from structlin._validation import inexact, require_finite
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of, conjugate, size_text
from structlin.matrices._indices import scatter
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import random_words, seed_of
from structlin.sketching._selection import rows_of

_stream = 64


class RowSample(LinearOperator):
    """Some rows of a matrix, each times a weight: the (k, m) matrix ``S`` of ``S @ A``.

    Parameters
    ----------
    indices : (k,) integer array
        The rows; the same row may come again.
    weights : (k,) array
        What each is multiplied by.
    columns : int
        ``m``, of how many rows they are taken.
    seed : int, optional
        The key by which they were drawn.

    Attributes
    ----------
    indices, weights, seed
        As given.

    Raises
    ------
    ValueError
        If sizes disagree, or an index is negative or too large.

    Examples
    --------
    >>> import numpy as np
    >>> S = RowSample(np.array([2, 0]), np.array([10.0, 1.0]), 3)
    >>> S @ np.array([1.0, 2.0, 3.0])
    array([30.,  1.])
    """

    indices: Any
    weights: Any
    seed: int | None

    def __init__(
        self, indices: Any, weights: Any, columns: int, *, seed: int | None = None
    ) -> None:
        xp = namespace(indices, weights)
        m = operator.index(columns)
        if indices.ndim != 1 or indices.shape != weights.shape:
            raise ValueError(
                f"indices have shape {tuple(indices.shape)} and weights {tuple(weights.shape)}: "
                "both need one dimension, of the same length"
            )
        if not xp.isdtype(indices.dtype, "integral"):
            raise TypeError(f"indices have dtype {indices.dtype}: they need integers")
        if bool(xp.any((indices < 0) | (indices >= m))):
            raise ValueError(f"an index is not among the rows 0, …, {m - 1}")
        self.indices, self.weights, self.seed = indices, inexact(weights, xp), seed
        super().__init__((indices.shape[0], m), like=self.weights)

    def _matmat(self, X: Any) -> Any:
        return _weighted(self.weights, self.xp.take(X, self.indices, axis=0))

    def _rmatmat(self, X: Any) -> Any:
        weights = conjugate(self.weights, self.xp)
        return scatter(_weighted(weights, X), self.indices, self.shape[1], self.xp)

    def apply(self, A: Any) -> Any:
        """Return the weighted rows of a matrix in any container, as a (k, n) array.

        Parameters
        ----------
        A : (m, n) array, sparse matrix, LinearOperator or RowBlocks
            The matrix.

        Raises
        ------
        ValueError
            If it has not ``m`` rows, or entries are not finite.
        """
        A = as_matrix(A)
        namespace(self, A)
        device(self, A)
        if A.shape[0] != self.shape[1]:
            raise ValueError(
                f"A is {size_text(A.shape)} but S is {size_text(self.shape)}: "
                f"S @ A needs {self.shape[1]} rows in A"
            )
        rows = rows_of(A, self.indices)
        dtype = self.xp.result_type(rows.dtype, self.dtype)
        return _weighted(self.weights, self.xp.astype(rows, dtype, copy=False))

    def todense(self) -> Any:
        """Return the matrix as a (k, m) array."""
        self._require_formable(*self.shape)
        eye = self.xp.eye(self.shape[0], dtype=self.dtype, device=self.device)
        return adjoint_of(self._rmatmat(eye), self.xp)

    def tosparse(self) -> Any:
        """Return the matrix as a sparse one by rows, of SciPy or CuPy."""
        ends = self.xp.arange(self.shape[0] + 1, device=self.device)
        entries = (self.weights, self.indices, ends)
        return scipy_of(self.xp, "sparse").csr_array(entries, shape=self.shape)


def _weighted(weights: Any, X: Any) -> Any:
    return namespace(X).astype(weights, X.dtype, copy=False)[:, None] * X


def sample_rows(
    weights: Any, k: int, *, method: str = "iid", rng: Any = None, like: Any = None
) -> RowSample:
    """Draw rows at random, in proportion to weights.

    Parameters
    ----------
    weights : (m,) array or int
        Not negative: leverage scores, Lewis weights, or others. An integer ``m`` stands for ``m``
        equal weights: the sample is uniform.
    k : int
        How many rows.
    method : {"iid", "systematic", "bernoulli"}
        "iid" draws ``k`` independent rows with replacement. "systematic" draws ``k`` different
        rows. "bernoulli" keeps each row or not by a coin of its own: ``k`` is what is expected.
    rng : None, int or numpy.random.Generator, optional
        Gives the key.
    like : array or operator, optional
        Gives library, device and data type where ``weights`` is an integer.

    Returns
    -------
    RowSample
        The (k, m) operator ``S`` with ``E ‖S x‖² = ‖x‖²``, on rows in increasing order: ``S @ A``
        of an array, ``S.apply(A)`` of any container; ``S.indices`` and ``S.weights``.

    Raises
    ------
    ValueError
        If a weight is negative, NaN or Inf, all are zero, ``k`` is negative, or fewer than ``k``
        rows have positive weights (unless drawn with replacement).

    Notes
    -----
    Rows drawn with replacement, with probabilities ``pᵢ``, get weights ``1/√(k pᵢ)``. Those drawn
    without get ``1/√πᵢ``, where ``πᵢ = min(1, c pᵢ)`` is the probability that row ``i`` is in the
    sample, and ``c`` makes them sum to ``k``. Systematic samples take the rows that lie at ``u, u
    + 1, …`` when all are put one after the other in random order, each of length ``πᵢ``.
    ``O(m log m)``; what is drawn depends on key, weights and ``k`` alone.

    For ``n`` columns, ``k = O(n log n / ε²)`` rows drawn by leverage scores change no ``‖A x‖`` by
    more than the factor ``1 ± ε``. For ``‖A x‖_p`` rows are drawn by Lewis weights, and the row
    drawn with ``wᵢ = 1/√(k pᵢ)`` counts as ``wᵢ^{2/p} aᵢ``.

    Examples
    --------
    >>> import numpy as np
    >>> S = sample_rows(np.array([1.0, 0.0, 1.0]), 4, rng=0)
    >>> S.shape, S.weights.round(3)
    ((4, 3), array([0.707, 0.707, 0.707, 0.707]))
    """
    if isinstance(weights, int | np.integer):
        like = np.empty(0) if like is None else like
        xp = namespace(like)
        real = xp.finfo(inexact(like).dtype if not hasattr(like, "xp") else like.dtype).dtype
        if weights < 0:
            raise ValueError(f"weights is {weights}: a number of rows is not negative")
        weights = xp.ones(operator.index(weights), dtype=real, device=device(like))
    xp = namespace(weights)
    weights = as_weights(weights, xp)
    k = operator.index(k)
    if k < 0:
        raise ValueError(f"k is {k}: a number of rows is not negative")
    if method not in ("iid", "systematic", "bernoulli"):
        raise ValueError(f"method is {method!r}: choose 'iid', 'systematic' or 'bernoulli'")
    dtype, m, seed = weights.dtype, weights.shape[0], seed_of(rng)
    if k == 0:
        return RowSample(
            xp.zeros(0, dtype=xp.int64, device=device(weights)), weights[:0], m, seed=seed
        )
    if not bool(xp.any(weights > 0)):
        raise ValueError("all weights are zero: there is no row to draw")
    weights = xp.astype(weights, xp.float64)
    weights = weights / xp.max(weights)
    if method == "iid":
        places = _uniforms(seed, k, xp, weights)
        indices = draw(weights, places, xp)
        chances = k * xp.take(weights / xp.sum(weights), indices)
    else:
        chances = _inclusion(weights, k, xp)
        uniforms = _uniforms(seed, m + 1, xp, weights)
        pick = _systematic if method == "systematic" else _bernoulli
        indices = pick(chances, k, uniforms, xp)
        chances = xp.take(chances, indices)
    order = xp.argsort(indices)
    found = xp.astype(1 / xp.sqrt(xp.take(chances, order)), dtype)
    return RowSample(xp.take(indices, order), found, m, seed=seed)


def as_weights(weights: Any, xp: ModuleType) -> Any:
    """Return a user's weights, checked."""
    if weights.ndim != 1:
        raise ValueError(f"weights have shape {tuple(weights.shape)}: they need one dimension")
    weights = inexact(weights, xp)
    if xp.isdtype(weights.dtype, "complex floating"):
        raise TypeError(f"weights have dtype {weights.dtype}: they are real")
    require_finite("weights", weights)
    if bool(xp.any(weights < 0)):
        raise ValueError(f"weights[{int(xp.argmin(weights))}] is negative: no weight may be")
    return weights


def draw(weights: Any, places: Any, xp: ModuleType) -> Any:
    """Return where numbers of [0, 1) fall among weights laid one after the other."""
    ends = xp.cumulative_sum(weights)
    indices = xp.searchsorted(ends, places * ends[-1:], side="right")
    last = xp.max(xp.where(weights > 0, xp.arange(weights.shape[0], device=ends.device), 0))
    return xp.where(indices > last, last, indices)


def _uniforms(seed: int, count: int, xp: ModuleType, like: Any) -> Any:
    """Return numbers in (0, 1) with 53 random bits, the i-th a function of key and i."""
    words = random_words(seed, _stream, 0, count, 0, 2, xp, device(like))
    words = xp.astype(words, xp.uint64)
    cells = ((words[:, 0] >> 5) << 26) | (words[:, 1] >> 6)
    return (xp.astype(cells, xp.float64) + 0.5) * 2.0**-53


def _inclusion(weights: Any, k: int, xp: ModuleType) -> Any:
    """Return ``min(1, c wᵢ)``, which sum to ``k``."""
    positive = int(xp.sum(xp.astype(weights > 0, xp.int64)))
    if k > positive:
        raise ValueError(
            f"k is {k} but {positive} rows have positive weights: take method='iid', or fewer rows"
        )
    ascending = xp.sort(weights)
    largest = xp.flip(ascending)[:k]
    # with the t largest kept for sure, c = (k − t) / (the sum of the others)
    rest = xp.flip(xp.cumulative_sum(ascending))[:k]
    others = k - xp.arange(k, dtype=weights.dtype, device=device(weights))
    sure = int(xp.sum(xp.astype(largest * others > rest, xp.int64)))
    return xp.clip(weights * (others[sure] / rest[sure]), 0, 1)


def _bernoulli(chances: Any, k: int, uniforms: Any, xp: ModuleType) -> Any:
    return xp.nonzero(uniforms[: chances.shape[0]] < chances)[0]


def _systematic(chances: Any, k: int, uniforms: Any, xp: ModuleType) -> Any:
    m = chances.shape[0]
    sure = xp.nonzero(chances >= 1)[0]
    chances = xp.where(chances >= 1, 0, chances)
    missing = k - sure.shape[0]
    if missing == 0:
        return sure
    order = xp.argsort(uniforms[:m])
    steps = xp.arange(missing, dtype=uniforms.dtype, device=device(uniforms))
    places = (uniforms[m:] + steps) / missing
    return xp.concat([sure, xp.take(order, draw(xp.take(chances, order), places, xp))])
