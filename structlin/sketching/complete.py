"""Completion of a matrix of low rank from some of its entries."""

from __future__ import annotations

import contextlib
import functools
import math
import operator
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin import _norm
from structlin._backend import is_numpy, namespace
from structlin._validation import inexact, require_finite
from structlin.matrices import LowRank
from structlin.sketching._completion import Settings, Side, alternate, entries, sides_of
from structlin.sketching._orth import orthonormalize
from structlin.sketching._random import seed_of
from structlin.sketching._result import Report, warn_unconverged

# from here on, and with so many observations of a row for each column of a factor, gradients are
# cheaper than Gram matrices
_wide = 64
_many = 16


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Completion(Report):
    """A matrix of low rank, found from some of its entries.

    Attributes
    ----------
    U, V : (m, k) and (n, k) array
        The factors: the matrix is ``U Vᴴ``. Their columns are orthogonal, of equal norms in both,
        the largest first.
    train_error : float
        ``‖P(M − U Vᴴ)‖_F / ‖P(M)‖_F``, where ``P`` keeps the entries that were fitted.
    validation_error : float
        The same over the entries withheld; NaN where none were.
    error_estimate : float
        The distance to the limit of the iteration, relative in the Frobenius norm over the whole
        matrix, as its rate of convergence tells. It is not the distance to the matrix sought:
        that is what the validation error tells of.
    method, converged, passes, iterations, seed
        As in every report; a pass reads all observations.
    """

    U: Any
    V: Any
    train_error: float
    validation_error: float = float("nan")

    @functools.cached_property
    def operator(self) -> LowRank:
        """The matrix as an operator."""
        return LowRank(self.U, self.V)

    def predict(self, rows: Any, cols: Any) -> Any:
        """Return the entries at these places, for integer arrays of one shape (or broadcast).

        Raises
        ------
        ValueError
            If a place is outside the matrix: negative indices do not count from the end.
        """
        rows, cols = np.broadcast_arrays(rows, cols)
        for name, index, size in (
            ("rows", rows, self.U.shape[0]),
            ("cols", cols, self.V.shape[0]),
        ):
            if index.size and (index.min() < 0 or index.max() >= size):
                raise ValueError(f"{name} are {index.min()} to {index.max()}: "
                                 f"indices run from 0 to {size - 1}")  # fmt: skip
        return entries(self.U, self.V, rows.ravel(), cols.ravel()).reshape(rows.shape)

    def __repr__(self) -> str:
        (m, k), n = self.U.shape, self.V.shape[0]
        return (
            f"<Completion {m}x{n} of rank {k}: train error {self.train_error:.2g}, "
            f"{'' if self.converged else 'not '}converged in {self.iterations} iterations>"
        )


def complete(
    rows: Any,
    cols: Any = None,
    values: Any = None,
    shape: tuple[int, int] | None = None,
    rank: int | None = None,
    *,
    tol: float | None = None,
    maxiter: int = 200,
    ridge: float = 0.0,
    inner: str = "auto",
    validation: float = 0.0,
    rng: Any = None,
    progress: bool = False,
) -> Completion:
    """Return the matrix of low rank that has given entries, by alternating least squares.

    Parameters
    ----------
    rows, cols : (N,) integer arrays
        Where the observed entries stand, in any order. A place may come repeatedly, as
        measurements of one entry: each counts in the sum of squares.
        Or ``rows`` is a SciPy sparse matrix, whose stored entries are the observed ones (explicit
        zeros too; duplicates are summed, as SciPy does), or a pair ``(array, mask)`` of an (m, n)
        array and booleans that are true where it is observed, or a masked array of NumPy; then
        ``cols``, ``values`` and ``shape`` are left out, and the rank is named.
    values : (N,) array
        The entries: real or complex, single or double precision; integers become float64.
    shape : (int, int)
        ``m`` and ``n``.
    rank : int
        ``k``, the rank of the matrix returned.
    tol : float, optional
        The iteration ends when its distance to the limit, relative to the norm of the whole
        matrix, is estimated below it. By default ``√eps``; at least ``8 eps``.
    maxiter : int, optional
        Most iterations, of one solve for each factor.
    ridge : float, optional
        Weight of the squares of all entries of ``U Vᴴ``, against 1 for the observed residuals.
        The fraction observed, times the ratio of the variances of noise and signal, is a sensible
        size; 0 fits the observations alone.
    inner : {"auto", "exact", "sketched"}
        How the least squares of the rows are solved, see the notes.
    validation : float, optional
        Fraction of the observations that is withheld to tell the error at entries not fitted.
    rng : None, int or numpy.random.Generator, optional
        Gives the start, the samples and the entries withheld.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    Completion
        Factors ``U, V``, `operator`, `predict`, training and validation errors.

    Raises
    ------
    ValueError
        If the rank exceeds ``min(m, n)``, a place is outside the matrix, sizes disagree, a value
        is NaN or Inf, nothing is observed, or an option is out of range.
    TypeError
        If the arrays are not NumPy's: the observations are sorted on the host.

    Warns
    -----
    UserWarning
        If rows or columns have fewer than ``k`` observations, or all have fewer than the
        ``k (m + n − k)`` numbers that describe the matrix. Their least squares then take the
        solution of least norm (up to ``√eps``), which is zero where nothing is observed.
    ConvergenceWarning
        If ``tol`` was not reached.

    Notes
    -----
    The iteration minimises ``Σ |M_ij − (U Vᴴ)_ij|² + ridge ‖U Vᴴ‖²_F`` over the observed places.

    The start is the dominant subspace of the observations with zeros elsewhere, each divided by
    how much its row and its column are observed (so that a few of them do not take over) and with
    long rows cut off. It has the components that stand out; where there are fewer than ``k``, the
    others start likewise from the residual, once that stalls. So small singular values are found
    beside large ones, and a ``k`` beyond the rank of the matrix leaves zero columns.

    Then the factors change in turn. With the other one made orthonormal, row ``uᵢ`` moves by
    ``(Gᵢ + δᵢ I)⁻¹`` times its gradient, where ``Gᵢ`` is the Gram matrix of the rows of ``V`` that
    it meets. Moving by corrections makes the result insensitive to the rounding errors of these
    normal equations. The damping ``δᵢ`` is proportional to the relative residual and vanishes with
    it; it stays close to the last iterate, so it biases nothing.

    "exact" forms ``Gᵢ``, at ``O(|Ω| k²)`` for ``|Ω|`` observations and ``O((m + n) k³)`` for the
    solves. "sketched" forms it from ``4 k`` of the observations of a row, which makes a
    preconditioner for 3 steps of conjugate gradients, at ``O(|Ω| k)`` each: solves of moderate
    accuracy that the next sweep continues. That pays off where the rows have very many
    observations: "auto" takes it from ``k = 64`` on, with ``16 k`` observations in the mean row
    and column.

    Whether the answer is the matrix sought depends on the places: about
    ``C k (m + n) log(m + n)`` random ones, and singular vectors without dominant entries, make it
    so with high probability. ``validation`` shows it.

    References
    ----------
    R. H. Keshavan, A. Montanari and S. Oh, "Matrix completion from a few entries", IEEE Trans.
    Inform. Theory 56 (2010): the trimmed spectral start.
    P. Jain, P. Netrapalli and S. Sanghavi, "Low-rank matrix completion using alternating
    minimization", STOC 2013.
    Y. Gu, Z. Song, J. Yin and L. Zhang, "Low rank matrix completion via robust alternating
    minimization in nearly linear time", ICLR 2024: sketched inner solves.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> U, V = rng.standard_normal((80, 2)), rng.standard_normal((60, 2))
    >>> i, j = rng.integers(80, size=1500), rng.integers(60, size=1500)
    >>> found = complete(i, j, np.sum(U[i] * V[j], axis=1), (80, 60), 2, rng=1)
    >>> bool(np.linalg.norm(found.operator.todense() - U @ V.T) < 1e-6 * np.linalg.norm(U @ V.T))
    True
    """
    rows, cols, values, (m, n) = _observations(rows, cols, values, shape)
    k = _checked_rank(rank, m, n)
    if inner not in ("auto", "exact", "sketched"):
        raise ValueError(f"inner is {inner!r}: choose 'auto', 'exact' or 'sketched'")
    if not 0 <= validation < 1:
        raise ValueError(f"validation is {validation}: withhold a fraction in [0, 1)")
    if not (ridge >= 0 and math.isfinite(ridge)):
        raise ValueError(f"ridge is {ridge}: a weight is a finite number >= 0")
    if tol is not None and not tol >= 0:
        raise ValueError(f"tol is {tol}: a relative distance is >= 0")
    if operator.index(maxiter) < 0:
        raise ValueError(f"maxiter is {maxiter}: a number of iterations is >= 0")
    seed = seed_of(rng)
    withheld = np.zeros(values.size, dtype=bool)
    chosen = np.random.default_rng(seed).permutation(values.size)
    withheld[chosen[: int(validation * values.size)]] = True

    largest = max(float(np.max(np.abs(x), initial=0.0)) for x in (values.real, values.imag))
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest else 1.0
    scaled = values / np.asarray(unit, dtype=values.real.dtype)
    kept = ~withheld
    sides = sides_of(rows[kept], cols[kept], scaled[kept], (m, n))
    _warn_of_gaps(sides, k)
    if k == 0 or not np.any(sides[0].values):
        U, V = (np.zeros((size, k), dtype=scaled.dtype) for size in (m, n))
        report = Report(method="zero", error_estimate=0.0, passes=1, seed=seed)
    else:
        eps = float(np.finfo(values.dtype).eps)
        crowded = k >= _wide and sides[0].values.size >= _many * k * max(m, n)
        settings = Settings(
            tol=max(math.sqrt(eps) if tol is None else tol, 8 * eps),
            maxiter=maxiter,
            ridge=ridge,
            sketched=inner == "sketched" or (inner == "auto" and crowded),
            progress=progress,
        )
        U, V, report = alternate(sides, k, settings, seed)
        U, V = _balanced(U, V)
    root = math.sqrt(unit)
    result = Completion(
        U=U * np.asarray(root, dtype=U.real.dtype),
        V=V * np.asarray(unit / root, dtype=V.real.dtype),
        train_error=_error(U, V, rows[kept], cols[kept], scaled[kept]),
        validation_error=_error(U, V, rows[withheld], cols[withheld], scaled[withheld]),
        **vars(report),
    )
    warn_unconverged(result, "observe more entries, lower the rank, or raise maxiter")
    return result


def _observations(
    rows: Any, cols: Any, values: Any, shape: Any
) -> tuple[Any, Any, Any, tuple[int, int]]:
    """Return places, values and shape of any of the three forms, as checked NumPy arrays."""
    if cols is None:
        if values is not None or shape is not None:
            raise TypeError("values and shape go with rows and cols: cols is missing")
        rows, cols, values, shape = _unpacked(rows)
    elif values is None or shape is None:
        if isinstance(cols, int | np.integer):
            raise TypeError(f"cols is {cols}: if it is the rank, name it, complete(M, rank={cols})")
        raise TypeError("rows and cols go with values and shape: one of these is missing")
    m = n = -1
    with contextlib.suppress(TypeError, ValueError):
        m, n = map(operator.index, shape)
    if min(m, n) < 0:
        raise ValueError(f"shape is {shape!r}: that of a matrix (m, n) is needed")
    places = []
    for name, index in (("rows", rows), ("cols", cols)):
        index = np.asarray(index) if isinstance(index, list | tuple) else index
        _require_numpy(index)
        if index.dtype.kind not in "iu" and index.size:
            raise TypeError(f"{name} has data type {index.dtype}: indices are integers")
        places.append(index.astype(np.int64, copy=False))
    values = np.asarray(values) if isinstance(values, list | tuple) else values
    _require_numpy(values)
    values = inexact(values.astype(np.float32) if values.dtype == np.float16 else values)
    require_finite("values", values)
    lengths = [x.shape for x in (*places, values)]
    if values.ndim != 1 or len(set(lengths)) != 1:
        raise ValueError(
            f"rows, cols and values have shapes {lengths[0]}, {lengths[1]} and {lengths[2]}: "
            "they need one entry for each observation"
        )
    if not values.size and m * n:
        raise ValueError(f"nothing is observed of the {m}x{n} matrix: it could be anything")
    return (*places, values, (m, n))


def _unpacked(observed: Any) -> tuple[Any, Any, Any, tuple[int, int]]:
    if hasattr(observed, "tocoo"):
        _require_numpy(observed)
        coo = observed.tocoo(copy=True)
        coo.sum_duplicates()
        return coo.row, coo.col, coo.data, coo.shape
    if isinstance(observed, np.ma.MaskedArray):
        observed = observed.data, ~np.ma.getmaskarray(observed)
    if not (isinstance(observed, tuple) and len(observed) == 2):
        raise TypeError(
            f"observations came as {type(observed).__name__}: pass rows, cols, values and shape, "
            "a sparse matrix, a masked array, or a pair (array, mask); where NaN stands for what "
            "is missing, (A, ~numpy.isnan(A))"
        )
    array, mask = observed
    _require_numpy(array, mask)
    if array.ndim != 2 or mask.shape != array.shape or mask.dtype != np.bool_:
        raise ValueError(
            f"array has shape {array.shape}, mask {mask.shape} and data type {mask.dtype}: "
            "a matrix and booleans of its shape are needed, true where the array is observed"
        )
    return (*np.nonzero(mask), array[mask], array.shape)


def _require_numpy(*arrays: Any) -> None:
    if not is_numpy(namespace(*arrays)):
        raise TypeError(
            "complete runs on NumPy alone: move the observations to the host first, and the "
            "factors back"
        )


def _checked_rank(rank: Any, m: int, n: int) -> int:
    if rank is None:
        raise TypeError("rank is missing: complete needs the rank of the matrix")
    k = operator.index(rank)
    if not 0 <= k <= min(m, n):
        raise ValueError(f"rank is {k}, but min(m, n) is {min(m, n)} for a {m}x{n} matrix")
    return k


def _warn_of_gaps(sides: tuple[Side, Side], k: int) -> None:
    """Warn where the observations leave the least-squares problems undetermined."""
    m, n = (side.counts.size for side in sides)
    needed = k * (m + n - k)
    if sides[0].values.size < needed:
        warnings.warn(
            f"{sides[0].values.size} observations do not determine a {m}x{n} matrix of rank {k}, "
            f"which has {needed} degrees of freedom: lower the rank or observe more",
            UserWarning,
            stacklevel=3,
        )
        return
    for side, name in zip(sides, ("rows", "columns"), strict=True):
        few = int(np.count_nonzero(side.counts < k))
        if few:
            warnings.warn(
                f"{few} {name} have fewer than rank = {k} observations (the first is "
                f"{int(np.argmax(side.counts < k))}): they are completed by least norm, which is "
                "zero where nothing is observed",
                UserWarning,
                stacklevel=3,
            )


def _balanced(U: Any, V: Any) -> tuple[Any, Any]:
    """Return factors of the same product with orthogonal columns, of equal norms in both."""
    (Q, R), (P, T) = orthonormalize(U), orthonormalize(V)
    X, s, Yh = np.linalg.svd(R @ np.conj(T.T))
    roots = np.sqrt(s)
    return Q @ (X * roots), P @ (np.conj(Yh.T) * roots)


def _error(U: Any, V: Any, rows: Any, cols: Any, values: Any) -> float:
    """Return the residual of these entries relative to their norm; NaN without entries."""
    if not values.size:
        return math.nan
    size = _norm.norm(values)
    residual = _norm.norm(values - entries(U, V, rows, cols))
    return residual / size if size else residual
