"""The best Tucker tensor of given ranks, by alternating projections."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

from structlin._errors import ConvergenceWarning
from structlin._norm import norm
from structlin._validation import require_cast
from structlin.tensors._arrays.axis_ranges import reduced
from structlin.tensors._arrays.dense_tensor import DenseTensor, dense_tensor
from structlin.tensors._arrays.ranges import by_qr
from structlin.tensors._arrays.unfoldings import projected
from structlin.tensors._report import Compression
from structlin.tensors.tucker import Tucker


def hooi(
    T: Any,
    ranks: int | Sequence[int],
    *,
    tol: float = 1e-4,
    max_iterations: int = 50,
    init: Tucker | None = None,
) -> Tucker:
    """Return a Tucker tensor of given ranks whose error no change of a single factor reduces.

    `sthosvd` is the start, and is often as good: its error is at most ``√d`` times the least one.

    Parameters
    ----------
    T : (n1, …, nd) array
        The tensor: real or complex, of single or double precision.
    ranks : int or sequence of int
        The ranks.
    tol : float
        The iteration ends once a sweep reduces the error by less than this part of it.
    max_iterations : int
        The largest number of sweeps over all axes.
    init : Tucker, optional
        A tensor of the same shape and ranks to begin with.

    Returns
    -------
    Tucker
        Orthonormal factors, and in ``report`` a `Compression`: sweeps and relative error.

    Raises
    ------
    ValueError
        If ranks, ``tol`` or ``max_iterations`` are out of range, ``init`` does not fit, or the
        tensor has a NaN or Inf.

    Warns
    -----
    ConvergenceWarning
        If the error still falls after ``max_iterations`` sweeps.

    Notes
    -----
    Every factor in turn becomes the leading left singular vectors of the unfolding of ``T`` times
    the adjoints of all others [1]_; the norm of the core grows, and with it the error
    ``√(‖T‖² − ‖core‖²)`` falls. A sweep passes over the tensor twice: products with the factors of
    later axes are kept. It costs ``4 n^d r`` operations, and a copy of the tensor shrunk along one
    axis.

    References
    ----------
    .. [1] L. De Lathauwer, B. De Moor and J. Vandewalle, "On the best rank-1 and rank-(R1, …, RN)
       approximation of higher-order tensors", SIAM J. Matrix Anal. Appl. 21 (2000).

    Examples
    --------
    >>> import numpy as np
    >>> T = np.random.default_rng(0).standard_normal((8, 9, 10))
    >>> best = hooi(T, 3)
    >>> best, best.report.converged
    (<Tucker 8x9x10 float64, ranks 3x3x3>, True)
    """
    if not tol > 0:
        raise ValueError(f"tol is {tol!r}: pass a positive number")
    if operator.index(max_iterations) < 1:
        raise ValueError(f"max_iterations is {max_iterations}: one sweep at least is needed")
    data = dense_tensor(T, None, ranks)
    if data.size == 0:
        return data.zero("nothing to do: the tensor is zero")
    factors = _start(data, init)
    core, gain = data.core(factors), math.inf
    rounding = 8 * float(data.xp.finfo(data.array.dtype).eps)
    square = (norm(core) / data.size) ** 2
    iterations = 0
    while gain > max(2 * tol * (1 - square), rounding) and iterations < max_iterations:
        core = _sweep(data, factors)
        before, square = square, (norm(core) / data.size) ** 2
        gain, iterations = square - before, iterations + 1
    report = Compression(
        method="HOOI from " + ("STHOSVD" if init is None else "init"),
        converged=gain <= max(2 * tol * (1 - square), rounding),
        error_estimate=data.error(core, factors),
        iterations=iterations,
    )
    if not report.converged:
        warnings.warn(
            f"the error, {report.error_estimate:.3g} relative to the norm of T, still falls after "
            f"{iterations} sweeps: raise max_iterations or tol",
            ConvergenceWarning,
            stacklevel=2,
        )
    return data.tucker(core, factors, report)


def _start(data: DenseTensor, init: Tucker | None) -> list[Any]:
    if init is None:
        core, factors = data.array, []
        for axis in range(data.ndim):
            factors.append(reduced(data, core, axis, "auto", None).U)
            core = projected(core, factors[axis], axis)
        return factors
    if not isinstance(init, Tucker):
        raise TypeError(f"init is a {type(init).__name__}: pass a Tucker tensor")
    require_cast(init.dtype, data.array.dtype, data.xp)
    given = list(init.orthogonalize().factors)
    given = given[::-1] if data.reverse else given
    wanted = [(n, data.most(axis)) for axis, n in enumerate(data.array.shape)]
    if [tuple(U.shape) for U in given] != wanted:
        shape, ranks = zip(*(wanted[::-1] if data.reverse else wanted), strict=True)
        raise ValueError(
            f"init has shape {init.shape} and ranks {init.ranks}: shape {shape} and ranks {ranks} "
            "are needed"
        )
    return [data.xp.astype(U, data.array.dtype, copy=False) for U in given]


def _sweep(data: DenseTensor, factors: list[Any]) -> Any:
    """Replace every factor by a better one, in place, and return the core."""
    partial = [data.array]  # times the factors of the later axes, one more in each
    for axis in range(data.ndim - 1, 0, -1):
        partial.append(projected(partial[-1], factors[axis], axis))
    for axis in range(data.ndim):
        Y = partial.pop()
        for before in range(axis):
            Y = projected(Y, factors[before], before)
        U, _ = by_qr(Y, axis)
        factors[axis] = U[:, : data.most(axis)]
    return projected(Y, factors[-1], data.ndim - 1)
