"""Determinantal samples: rows that are drawn together in proportion to the volume they span."""

from __future__ import annotations

import math
import operator
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import device
from structlin.matrices import Dense, is_hermitian
from structlin.matrices._base import adjoint_of, size_text
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices.systems import negligible
from structlin.sketching._operand import as_matrix
from structlin.sketching._random import seed_of
from structlin.sketching._whitening import dense_of, range_basis, squares
from structlin.sketching.sample_rows import RowSample, draw, sample_rows


def dpp_sample(A: Any, k: int | None = None, *, kernel: bool = False, rng: Any = None) -> Any:
    """Draw a set of rows with probability proportional to the squared volume they span.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or operator
        A row of features for every item, or the (m, m) Hermitian positive semidefinite matrix of
        similarities ``L``, with ``kernel=True``. Features stand for ``L = A Aᴴ``.
    k : int, optional
        How many items. By default their number is random, too.
    kernel : bool
        Whether ``A`` is the matrix ``L``.
    rng : None, int or numpy.random.Generator, optional
        Gives the key.

    Returns
    -------
    (k,) array of int64
        The items, in increasing order: ``P(J) ∝ det L_JJ`` among all sets, or those of ``k``.

    Raises
    ------
    ValueError
        If ``k`` is larger than the rank of ``L``, or ``L`` is not Hermitian positive semidefinite.

    Notes
    -----
    Eigenvectors of ``L`` are chosen first, each with probability ``λ/(1 + λ)``, or ``k`` of them
    with probability proportional to the product of their eigenvalues; then one item for each, by
    conditional Gram–Schmidt. An item is drawn in proportion to the squared distance of its row
    of the eigenvectors from the span of those drawn before. ``O(m n²)`` for features, ``O(m³)``
    for ``L``.

    With ``k`` the number of columns of ``A``, of full rank, this is the projection process of its
    range, in which item ``i`` has its leverage score as probability.

    References
    ----------
    A. Kulesza and B. Taskar, "Determinantal point processes for machine learning", Found. Trends
    Mach. Learn. 5 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # two items that are alike, one apart
    >>> {dpp_sample(X, 2, rng=seed).tolist()[1] for seed in range(10)}
    {2}
    """
    A = as_matrix(A)
    xp = A.xp
    logs, vectors = _spectrum_of_kernel(A) if kernel else _spectrum_of_features(A)
    generator = np.random.default_rng(seed_of(rng))
    if k is None:
        chosen = [j for j, log in enumerate(logs) if generator.random() < _chance(log)]
    else:
        k, rank = operator.index(k), len(logs)
        if not 0 <= k <= rank:
            raise ValueError(f"k is {k} but the rank is {rank}: no {k} items span a volume")
        chosen = _subset_of_values(logs, k, generator)
    index = xp.asarray(chosen, dtype=xp.int64, device=A.device)
    return projection_dpp(xp.take(vectors, index, axis=1), generator, xp)


def _chance(log: float) -> float:
    """Return ``λ/(1 + λ)``."""
    return math.exp(min(0.0, log)) / (1 + math.exp(-abs(log)))


def _spectrum_of_features(A: Any) -> tuple[list[float], Any]:
    """Return the logarithms of the eigenvalues that are not zero, and their eigenvectors."""
    xp = A.xp
    if 0 in A.shape:
        return [], A.todense()[:, :0]
    U, s, _ = xp.linalg.svd(dense_of(A), full_matrices=False)
    r = int(xp.sum(xp.astype(~negligible(s, A.shape, xp), xp.int64)))
    return [2 * math.log(float(s[j])) for j in range(r)], U[:, :r]


def _spectrum_of_kernel(A: Any) -> tuple[list[float], Any]:
    xp = A.xp
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A is {size_text(A.shape)}: a matrix of similarities is square")
    if 0 in A.shape:
        return [], A.todense()
    L = dense_of(A)
    if not is_hermitian(Dense(L)):
        raise ValueError("A is not Hermitian: a matrix of similarities is")
    values, vectors = xp.linalg.eigh(hermitian_part(L, xp))
    rounding = max(A.shape) * xp.finfo(A.dtype).eps * xp.max(xp.abs(values))
    if bool(values[0] < -10 * rounding):
        raise ValueError(
            f"A has the eigenvalue {float(values[0]):.3g}: "
            "a matrix of similarities is positive semidefinite"
        )
    first = int(xp.sum(xp.astype(values <= rounding, xp.int64)))
    return [math.log(float(values[j])) for j in range(first, values.shape[0])], vectors[:, first:]


def _subset_of_values(logs: list[float], k: int, generator: np.random.Generator) -> list[int]:
    """Draw ``k`` of some numbers, in proportion to their product; the logarithms are given."""
    # E[j, l] = log of the elementary symmetric polynomial of degree l in the first j numbers
    n = len(logs)
    E = np.full((n + 1, k + 1), -np.inf)
    E[:, 0] = 0.0
    for j in range(n):
        E[j + 1, 1:] = np.logaddexp(E[j, 1:], logs[j] + E[j, :-1])
    chosen: list[int] = []
    for j in range(n, 0, -1):
        left = k - len(chosen)
        if left and np.log(generator.random()) < logs[j - 1] + E[j - 1, left - 1] - E[j, left]:
            chosen.append(j - 1)
    return chosen[::-1]


def projection_dpp(V: Any, generator: np.random.Generator, xp: ModuleType) -> Any:
    """Draw as many rows of an orthonormal basis as it has columns: ``P(J) = |det V_J|²``.

    Returns
    -------
    (n,) array of int64
        In increasing order.
    """
    m, n = V.shape
    where = device(V)
    items, rows = [], xp.arange(m, device=where)
    left = xp.astype(squares(V, xp), xp.float64)  # squared distances from the span of those drawn
    C = xp.zeros((m, n), dtype=V.dtype, device=where)  # coordinates in an orthonormal basis of it
    for j in range(n):
        place = xp.asarray([generator.random()], dtype=xp.float64, device=where)
        i = int(draw(left, place, xp)[0])
        row = adjoint_of(V[i : i + 1, :], xp)
        new = V @ row - C[:, :j] @ adjoint_of(C[i : i + 1, :j], xp)
        C[:, j : j + 1] = new / xp.sqrt(xp.abs(new[i, 0]))
        gone = xp.astype(squares(C[:, j : j + 1], xp), xp.float64)
        left = xp.where(rows == i, 0, xp.clip(left - gone, 0, None))
        items.append(i)
    return xp.asarray(sorted(items), dtype=xp.int64, device=where)


def volume_sample(A: Any, k: int, *, method: str = "rescaled", rng: Any = None) -> RowSample:
    """Draw rows for least squares, so that the answer from them is not biased.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or operator
        The matrix, of rank ``r``.
    k : int
        How many rows, ``r`` at least.
    method : {"rescaled", "repeated", "volume"}
        "rescaled" draws ``r`` rows together, ``P(J) ∝ det A_Jᴴ A_J``, and the others one by one by
        leverage scores. "repeated" draws ``k/r`` times ``r`` rows together. "volume" draws ``k``
        different rows together.
    rng : None, int or numpy.random.Generator, optional
        Gives the key.

    Returns
    -------
    RowSample
        The rows, in increasing order, with weights ``√(r/(k τᵢ))`` for leverage scores ``τ``; for
        "volume", with the weight 1 all.

    Raises
    ------
    ValueError
        If ``k`` is less than the rank of ``A``, more than ``m`` for "volume", or no multiple of the
        rank for "repeated"; if ``A`` is zero, except for "volume".

    Notes
    -----
    The least-squares solution of ``S A x = S b`` has the expectation ``A⁺ b``, for any ``b``, with
    "rescaled" and "volume"; the former needs ``k = O(r log r)`` rows to be as good as the best up
    to a constant, the latter may need as many as there are. "repeated" is biased for ``k > r``,
    but needs fewest rows. ``O(m n²)``, and ``O(m r²)`` for each set of rows drawn together.

    Rows drawn one by one by leverage scores, ``sample_rows(leverage_scores(A), k)``, leave a
    bias.

    References
    ----------
    M. Dereziński, M. K. Warmuth and D. Hsu, "Unbiased estimators for random design regression",
    J. Mach. Learn. Res. 23 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> A, b = rng.standard_normal((50, 3)), rng.standard_normal(50)
    >>> samples = [volume_sample(A, 6, rng=seed) for seed in range(400)]
    >>> x = np.mean([np.linalg.lstsq(S @ A, S @ b)[0] for S in samples], axis=0)
    >>> bool(np.abs(x - np.linalg.lstsq(A, b)[0]).max() < 0.05)
    True
    """
    A = as_matrix(A)
    xp, m = A.xp, A.shape[0]
    V = range_basis(dense_of(A), xp)
    k, r, seed = operator.index(k), V.shape[1], seed_of(rng)
    if not r <= k:
        raise ValueError(f"k is {k} but the rank is {r}: fewer rows leave the answer open")
    generator = np.random.default_rng(seed)
    if method == "volume":
        if k > m:
            raise ValueError(f"k is {k} but A is {size_text(A.shape)}: it has no more rows")
        first = projection_dpp(V, generator, xp)
        rows = xp.arange(m, device=A.device)
        others = rows[~xp.any(rows[:, None] == first[None, :], axis=1)]
        extra = sample_rows(m - r, k - r, method="systematic", rng=generator, like=A).indices
        indices = xp.sort(xp.concat([first, xp.take(others, extra)]))
        return RowSample(indices, xp.ones(k, dtype=A.real_dtype, device=A.device), m, seed=seed)
    if k and not r:
        raise ValueError(f"k is {k} but A is zero: no row has a chance to be drawn")
    scores = squares(V, xp)
    if method == "rescaled":
        parts = [projection_dpp(V, generator, xp)]
        if k > r:
            parts.append(sample_rows(scores, k - r, rng=generator).indices)
    elif method == "repeated":
        if k % max(r, 1):
            raise ValueError(f"k is {k}: for the rank {r} it must be a multiple, say {k - k % r}")
        parts = [projection_dpp(V, generator, xp) for _ in range(k // r if r else 1)]
    else:
        raise ValueError(f"method is {method!r}: choose 'rescaled', 'repeated' or 'volume'")
    indices = xp.sort(xp.concat(parts))
    return RowSample(indices, xp.sqrt(r / (k * xp.take(scores, indices))), m, seed=seed)
