"""Tucker tensors of arrays, by singular vectors of their unfoldings."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from structlin._errors import ConvergenceWarning
from structlin.sketching._random import seed_of
from structlin.tensors._arrays.axis_ranges import Step, reduced, wants_seed
from structlin.tensors._arrays.dense_tensor import DenseTensor, dense_tensor
from structlin.tensors._arrays.from_fibres import from_fibres
from structlin.tensors._arrays.unfoldings import projected
from structlin.tensors._report import Compression
from structlin.tensors.tucker import Tucker

_methods = ("auto", "gram", "qr", "randomized")


def sthosvd(
    T: Any,
    *,
    tol: float | None = None,
    ranks: int | Sequence[int] | None = None,
    method: str = "auto",
    rng: Any = None,
) -> Tucker:
    """Return a Tucker tensor close to an array, by truncation along one axis after another.

    Parameters
    ----------
    T : (n1, …, nd) array
        The tensor: real or complex, of single or double precision.
    tol : float, optional
        The error in the Frobenius norm, relative to that of the tensor.
    ranks : int or sequence of int, optional
        The largest ranks. With a tolerance as well, the smaller ranks are taken.
    method : {"auto", "gram", "qr", "randomized", "fibres"}
        - "gram": eigenvectors of ``M Mᴴ`` for every unfolding ``M``; these squares tell errors of
          ``2 √(d eps)`` and more, 5e-8 for d = 3 in double precision.
        - "qr": a QR factorisation of ``Mᴴ``, to rounding errors; three times the work.
        - "randomized": products with random matrices, for ranks far below the sizes.
        - "fibres": ranges of a few random fibres, and one pass over the tensor for the core: the
          fastest, and the least accurate at given ranks: what is large in a small part of the
          tensor may be missed, and the error then tells. "auto" follows where a tolerance needs
          more than a few.
        - "auto": "gram" where its squares tell the tolerance, and "qr" where they do not;
          "randomized" for axes that are very long for their ranks. Where given ranks leave less
          than squares can tell, "gram" is followed by a step of subspace iteration, or replaced.

        Where there are no more fibres than entries in them, their singular vectors are computed
        directly.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of random numbers, where there are any.

    Returns
    -------
    Tucker
        Orthonormal factors, and in ``report`` a `Compression`: what was done for which axis, and
        the relative error.

    Raises
    ------
    ValueError
        If neither tolerance nor ranks are given, one of them is out of range, the tensor has a NaN
        or Inf, or the tolerance is below what "gram" can tell.

    Warns
    -----
    ConvergenceWarning
        If the ranks do not allow the tolerance.

    Notes
    -----
    Along every axis the tensor is projected onto the leading singular vectors of its unfolding
    [1]_, shortest axes first, and what is left goes on. The squared error is the sum of what was
    discarded, and each axis may discard ``tol² ‖T‖²/d``. At given ranks the error is at most ``√d``
    times the least possible one.

    The first axis, of length ``n`` in a tensor of ``n N`` entries, takes ``n² N`` operations by
    "gram", ``2 n² N`` slower ones by "qr" and ``6 n N (r + 10)`` by "randomized". The tensor is
    read in pieces, so that it may be a `numpy.memmap`, and never copied if it is contiguous.

    References
    ----------
    .. [1] N. Vannieuwenhoven, R. Vandebril and K. Meerbergen, "A new truncation strategy for the
       higher-order singular value decomposition", SIAM J. Sci. Comput. 34 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 30)
    >>> T = sthosvd(1 / (1 + x[:, None, None] + x[:, None] + x), tol=1e-6)
    >>> T, T.report.error_estimate < 1e-6
    (<Tucker 30x30x30 float64, ranks 4x4x4>, True)
    """
    data = dense_tensor(T, tol, ranks)
    _require_method(data, method, (*_methods, "fibres"))
    if data.size == 0:
        return data.zero("nothing to do: the tensor is zero")
    seed = seed_of(rng) if wants_seed(data, method) else None
    what = "STHOSVD"
    if method == "fibres" and seed is not None:
        found = from_fibres(data, seed)
        if found is not None:
            return _told(data, found[0], found[1], "STHOSVD by fibres", found[2], seed)
        method, what = "auto", "STHOSVD, as few fibres do not do"
    core = data.array
    steps: dict[int, Step] = {}
    for axis in sorted(range(data.ndim), key=lambda k: data.array.shape[k]):
        steps[axis] = reduced(data, core, axis, method, seed)
        core = projected(core, steps[axis].U, axis)
    factors = [steps[axis].U for axis in range(data.ndim)]
    left = sum(step.left for step in steps.values())
    error = math.sqrt(left) / data.size if left >= 0 else data.error(core, factors)
    return _told(data, core, factors, _text(what, data, steps), error, seed)


def hosvd(
    T: Any,
    *,
    tol: float | None = None,
    ranks: int | Sequence[int] | None = None,
    method: str = "auto",
    rng: Any = None,
) -> Tucker:
    """Return a Tucker tensor close to an array, by truncation along all axes at once.

    Every factor is made of the whole tensor: at the same ranks it takes longer than `sthosvd`, and
    is as accurate as a rule. Its factors do not depend on each other's ranks.

    Parameters
    ----------
    T, tol, ranks, rng
        As for `sthosvd`.
    method : {"auto", "gram", "qr", "randomized"}
        As for `sthosvd`.

    Returns
    -------
    Tucker
        Orthonormal factors, and in ``report`` a `Compression`.

    Raises
    ------
    ValueError
        As for `sthosvd`.

    Warns
    -----
    ConvergenceWarning
        If the ranks do not allow the tolerance.

    Notes
    -----
    The squared error is at most the sum of what the unfoldings discard, and that is at most ``d``
    times the least possible one [1]_. Without a truncation the slices of the core along any axis
    are orthogonal to each other.

    References
    ----------
    .. [1] L. De Lathauwer, B. De Moor and J. Vandewalle, "A multilinear singular value
       decomposition", SIAM J. Matrix Anal. Appl. 21 (2000).

    Examples
    --------
    >>> import numpy as np
    >>> hosvd(np.arange(24.0).reshape(2, 3, 4), tol=1e-10)
    <Tucker 2x3x4 float64, ranks 2x2x2>
    """
    data = dense_tensor(T, tol, ranks)
    _require_method(data, method, _methods)
    if data.size == 0:
        return data.zero("nothing to do: the tensor is zero")
    seed = seed_of(rng) if wants_seed(data, method) else None
    steps = {k: reduced(data, data.array, k, method, seed) for k in range(data.ndim)}
    factors = [steps[axis].U for axis in range(data.ndim)]
    core = data.core(factors)
    text = _text("HOSVD", data, steps)
    return _told(data, core, factors, text, data.error(core, factors), seed)


def _require_method(data: DenseTensor, method: str, known: Sequence[str]) -> None:
    if method not in known:
        raise ValueError(f"method is {method!r}: pass one of {', '.join(map(repr, known))}")
    if method == "gram" and data.tol is not None and data.tol < data.squares_tell:
        raise ValueError(
            f"tol is {data.tol:.3g}, and squares of singular values tell errors down to "
            f"{data.squares_tell:.1g}: take method 'qr' or 'auto'"
        )


def _text(what: str, data: DenseTensor, steps: dict[int, Step]) -> str:
    axes: dict[str, list[int]] = {}
    for axis, step in steps.items():
        axes.setdefault(step.how, []).append(data.name(axis))
    parts = [f"axis {', '.join(map(str, sorted(those)))} by {how}" for how, those in axes.items()]
    return f"{what}: " + "; ".join(parts)


def _told(
    data: DenseTensor, core: Any, factors: Sequence[Any], how: str, error: float, seed: int | None
) -> Tucker:
    """Return the tensor with its report, and warn of one that misses its tolerance."""
    report = Compression(
        method=how,
        converged=data.tol is None or error <= data.tol,
        error_estimate=error,
        seed=seed,
    )
    if not report.converged:
        warnings.warn(
            f"the error is {error:.3g} relative to the norm of T, and tol is {data.tol:.3g}: raise "
            "ranks, or leave them out",
            ConvergenceWarning,
            stacklevel=3,
        )
    return data.tucker(core, factors, report)
