"""Proper orthogonal decomposition: the basis that spans snapshots best."""

from __future__ import annotations

import math
from typing import Any

from structlin._backend import device, namespace
from structlin._norm import norm, power_of_two
from structlin._validation import require_count, require_tolerance
from structlin.matrices import Diagonal, LinearOperator
from structlin.sketching import svd
from structlin.sketching._operand import as_matrix
from structlin.sketching.row_blocks import RowBlocks
from structlin.solvers.reduced._fields import snapshots_as_rows
from structlin.solvers.reduced._inner import InnerProduct, extended
from structlin.solvers.reduced.basis import POD

_methods = ("auto", "gram", "randomized")


def pod(
    snapshots: Any,
    rank: int | None = None,
    *,
    tol: float | None = None,
    mass: Any = None,
    center: bool = False,
    method: str = "auto",
    rng: Any = None,
) -> POD:
    """Return the orthonormal fields that span snapshots with the least mean square error.

    Parameters
    ----------
    snapshots : (samples, *shape) array, or RowBlocks (samples, n)
        Fields, one in every sample; blocks of rows are read from where they are.
    rank : int, optional
        How many modes are wanted; no more than there are samples or entries. Snapshots of a
        smaller numerical rank give fewer.
    tol : float, optional
        Instead of a rank: the relative error ``‖S − P S‖ / ‖S‖`` over all snapshots together, to
        be reached by as few modes as possible.
    mass : optional
        The inner product ``uᴴ M v``: nothing for the Euclidean one, an array of the shape of a
        field with positive weights (volumes of cells), or a matrix (dense, sparse, an operator),
        Hermitian positive definite.
    center : bool
        Whether the mean of the snapshots is taken off first, and stored with the modes.
    method : {"auto", "gram", "randomized"}
        What is done; see the notes.
    rng : None, int or numpy.random.Generator, optional
        Of the randomised method.

    Returns
    -------
    POD
        Modes, singular values, and the maps to coefficients and back.

    Raises
    ------
    ValueError
        If not exactly one of rank and tolerance is given, shapes do not fit, a sample has a NaN or
        Inf, or the mass is not Hermitian and positive definite, as far as the snapshots show it.

    Warns
    -----
    ConvergenceWarning
        If the randomised method has not converged.

    Notes
    -----
    ``"gram"``, the method of snapshots [1]_: eigenvectors of ``S M Sᴴ`` combine the snapshots to
    modes. The square loses small singular values; therefore only those within ``eps^(1/4)`` of the
    largest are taken, and the method is repeated with what is left of the snapshots. A
    decomposition of the coefficients of the snapshots follows: singular values and modes are as
    accurate as those of a singular value decomposition. Each turn costs ``O(samples² n)``.

    ``"randomized"``, for Euclidean products and weights: `structlin.sketching.svd`, at
    ``O(samples n rank)``. ``"auto"`` takes it for blocks of rows, and for ranks that are a small
    part of more than 500 samples and entries.

    References
    ----------
    .. [1] L. Sirovich, "Turbulence and the dynamics of coherent structures I", Quarterly of Applied
       Mathematics 45 (1987).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 50)
    >>> S = np.stack([np.sin(a * x) for a in np.linspace(1, 3, 20)])
    >>> basis = pod(S, tol=1e-3)
    >>> basis.rank, basis.modes.shape, bool(basis.projection_errors(S).max() < 1e-2)
    (3, (3, 50), True)
    """
    if (rank is None) == (tol is None):
        raise ValueError(f"rank is {rank} and tol is {tol}: give exactly one of them")
    if method not in _methods:
        raise ValueError(f"method is {method!r}: it is one of {', '.join(_methods)}")
    if isinstance(snapshots, RowBlocks):
        if center or method == "gram":
            raise ValueError(
                "blocks of rows are not centred, and have the randomised method only: pass an "
                "array, or take StreamingPOD"
            )
        shape: tuple[int, ...] = (snapshots.shape[1],)
        like = snapshots.xp.zeros((0,), dtype=snapshots.dtype, device=snapshots.device)
        rank, tol = _wanted(rank, tol, snapshots.shape)
        inner = InnerProduct(mass, shape, like)
        return _randomized(snapshots, None, shape, inner, rank, tol, rng)
    S, shape = snapshots_as_rows(snapshots)
    rank, tol = _wanted(rank, tol, S.shape)
    xp, mean, size = namespace(S), None, 0.0
    unit = power_of_two(S)
    S = S / unit if unit != 1 else S
    if center:
        mean, size = xp.mean(S, axis=0), norm(S)
        S = S - mean
        mean = xp.reshape(mean * unit, shape)
    inner = InnerProduct(mass, shape, S)
    if mean is not None and norm(S) <= 10 * float(xp.finfo(S.dtype).eps) * size:
        S = xp.zeros_like(S)  # rounding errors of equal snapshots
    if method == "auto":
        # five hundred, and a twelfth: from there on the sketch is faster
        few = rank is not None and 12 * (rank + 10) < min(S.shape)
        method = "randomized" if inner.diagonal and few and min(S.shape) > 500 else "gram"
    if method == "randomized":
        if not inner.diagonal:
            raise ValueError("mass is a matrix: the randomised method knows weights only")
        return _randomized(as_matrix(S), mean, shape, inner, rank, tol, rng, unit)
    return _by_gram(S, mean, shape, inner, rank, tol, unit)


def _wanted(
    rank: int | None, tol: float | None, size: tuple[int, ...]
) -> tuple[int | None, float | None]:
    if rank is not None:
        rank = require_count("rank", rank)
        if rank > min(size):
            raise ValueError(
                f"rank is {rank}, but {size[0]} snapshots of {size[1]} entries have a rank of "
                f"{min(size)} at most"
            )
        return rank, None
    return None, require_tolerance("tol", tol)


def _by_gram(
    S: Any,
    mean: Any,
    shape: tuple[int, ...],
    inner: InnerProduct,
    rank: int | None,
    tol: float | None,
    unit: float,
) -> POD:
    xp = namespace(S)
    total = inner.norm(S)
    eps = float(xp.finfo(S.dtype).eps)
    # half of the error may be left unspanned; what a rank needs is found before rounding errors
    floor = max(0.0 if tol is None else 0.5 * tol, 10 * eps * math.sqrt(min(S.shape))) * total
    V = extended(S[:0, :], S, inner, floor=floor, rank=rank)
    C = inner.between(S, V)
    values = xp.zeros(0, dtype=xp.finfo(S.dtype).dtype, device=device(S))
    modes = V
    if V.shape[0]:
        _, values, Qh = xp.linalg.svd(C, full_matrices=False)
        modes = xp.matmul(Qh, V)
    # Pythagoras loses half of the digits
    squares = total**2 - norm(C) ** 2
    enough = squares > 1e4 * eps * total**2
    rest = math.sqrt(squares) if enough else inner.norm(S - xp.matmul(C, V))
    kept, error = _truncation(values, rest, total, rank, tol)
    return POD(
        modes=xp.reshape(modes[:kept, :], (kept, *shape)),
        singular_values=values * unit,
        mean=mean,
        mass=inner.mass,
        samples=S.shape[0],
        norm=total * unit,
        error=error,
        method="gram",
    )


def _truncation(
    values: Any, rest: float, total: float, rank: int | None, tol: float | None
) -> tuple[int, float]:
    """Return how many modes are kept, and the relative error that they leave."""
    host = [float(values[k]) for k in range(values.shape[0])]
    left = [rest]
    for value in reversed(host):
        left.append(math.hypot(left[-1], value))
    left.reverse()  # left[k] is the error of k modes
    if total == 0:
        return 0, 0.0
    if rank is not None:
        kept = min(rank, len(host))
    else:
        kept = next((k for k, error in enumerate(left) if error <= (tol or 0) * total), len(host))
    return kept, left[kept] / total


def _randomized(
    A: LinearOperator,
    mean: Any,
    shape: tuple[int, ...],
    inner: InnerProduct,
    rank: int | None,
    tol: float | None,
    rng: Any,
    unit: float = 1.0,
) -> POD:
    xp = A.xp
    scaled, roots = A, None
    if inner.weights is not None:
        roots = xp.sqrt(inner.weights)
        scaled = as_matrix(A.array * roots) if hasattr(A, "array") else A @ Diagonal(roots)
    found = svd(scaled, rank, rng=rng) if tol is None else svd(scaled, tol=tol, rng=rng)
    captured = float(xp.linalg.vector_norm(found.s)) if found.s.shape[0] else 0.0
    lost = found.error_estimate
    modes = found.Vt if roots is None else found.Vt / roots
    return POD(
        modes=xp.reshape(modes, (modes.shape[0], *shape)),
        singular_values=found.s * unit,
        mean=mean,
        mass=inner.mass,
        samples=A.shape[0],
        norm=captured / math.sqrt(1 - lost**2) * unit if lost < 1 else captured * unit,
        error=lost,
        method=f"randomized: {found.method}",
    )
