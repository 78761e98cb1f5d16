"""Functions of several variables, built from a callable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from structlin.tensors._adaptive.builder import build
from structlin.tensors._adaptive.callable import Vectorized
from structlin.tensors._domain import bases_of
from structlin.tensors._memory import default_bytes
from structlin.tensors._report import warn_unresolved
from structlin.tensors.chebtucker import ChebTucker


def chebtucker(
    f: Callable[..., Any],
    domain: Any,
    *,
    tol: float = 1e-12,
    rng: Any = None,
    max_degree: int = 4096,
    max_bytes: int = default_bytes,
) -> ChebTucker:
    """Return a function of several variables as a Tucker tensor of series, from few of its values.

    Ranks and degrees are found for every axis.

    Parameters
    ----------
    f : callable
        Takes an array of shape (N,) for every variable, and returns the N values, or a constant.
        Values may be complex. A function that takes numbers only is called point by point, with a
        warning that says so.
    domain : sequence of intervals or (d, 2) array
        The box: a pair ``(low, high)`` or a basis, such as ``Fourier(0, 1)`` for a function of
        period 1, for every axis. The points that ``f`` gets are in the array library and on the
        device of ``domain`` if that is an array, else in NumPy's.
    tol : float
        The largest error, relative to the largest value.
    rng : None, int or numpy.random.Generator, optional
        Makes the random points; the report has the seed.
    max_degree : int
        The largest degree along an axis, 16 or more; twice the highest frequency on a periodic
        one, 32 or more.
    max_bytes : int
        The most that the core may take.

    Returns
    -------
    ChebTucker
        Its ``report`` tells the evaluations, whether the tolerance was reached, and the error at
        random points.

    Raises
    ------
    ValueError
        If a value is NaN or Inf (the message names the point), the tolerance is below the rounding
        errors of the values, an interval is empty, or ``f`` does not return one value for every
        point. What ``f`` raises itself passes.
    TypeError
        If the values belong to another array library than the points.
    ConvergenceError
        If the values grow without bound near a point: there is a pole.
    MemoryError
        If the core would take more than ``max_bytes``.

    Warns
    -----
    ConvergenceWarning
        If the tolerance is not reached, as for functions with kinks, jumps or noise: the result is
        the best so far, and its ``error_estimate`` the error that was seen.

    Notes
    -----
    Fibres, restrictions of ``f`` to lines along an axis, are taken through random points of the
    box, its centre and its edges, on 17 points each. They join the basis of their axis where their
    residual, ``F − Q Qᴴ F``, is above a third of the tolerance, and the place of the largest
    residual is where the other axes look next. Once random batches find nothing new on any axis,
    the fibres of the bases, and these alone, are evaluated on nested grids of twice the points
    until their coefficients have come down. Further fibres are then tested at few places only. Rows
    of every basis are chosen by QR with column pivoting (Q-DEIM), and the core interpolates ``f``
    at all combinations of these nodes; with five variables or more, and more than 10⁴ entries, it
    is made by `tt_cross`. The result is truncated and tested, at 250 or more random points
    (uniform, denser towards the faces, very close to corners) and at the corners, and where it
    fails the search goes on; nodes and values are used again.

    Values are taken at about ``Σₖ nₖ rₖ + r₁ r₂ ⋯`` points for grids of ``nₖ`` points and ranks
    ``rₖ``. A detail that none of the points comes near to, such as a peak that fills less than a
    thousandth of the box and does not show elsewhere, is not found: split the box, or add the peak
    as a function of its own.

    References
    ----------
    .. [1] S. Dolgov, D. Kressner and C. Strössner, "Functional Tucker approximation using Chebyshev
       interpolation", SIAM J. Sci. Comput. 43 (2021): the problem, and the method that this one is
       measured against.
    .. [2] Z. Drmač and S. Gugercin, "A new selection operator for the discrete empirical
       interpolation method", SIAM J. Sci. Comput. 38 (2016): Q-DEIM.
    .. [3] J. L. Aurentz and L. N. Trefethen, "Chopping a Chebyshev series", ACM TOMS 43 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> f = chebtucker(lambda x, y, z: np.exp(x * y) + z, [(0, 1), (-1, 1), (0, 2)], rng=0)
    >>> f.ndim, f.ranks[2], f.degrees[2], f.converged
    (3, 2, 1, True)
    >>> bool(abs(f(0.5, 0.5, 1.0) - np.exp(0.25) - 1) < 1e-11), f.evaluations < 5000
    (True, True)
    """
    bases = bases_of(domain)
    like = domain if hasattr(domain, "dtype") else None
    evaluate = Vectorized(f, bases, like)
    core, factors, bases, report = build(
        evaluate, bases, tol, rng, like=like, max_degree=max_degree, max_bytes=max_bytes
    )
    report = replace(report, evaluations=report.evaluations + evaluate.count)
    periodic = " and ".join(str(axis) for axis, basis in enumerate(bases) if basis.periodic)
    doubt = f"is not periodic along axis {periodic}, or " if periodic else ""
    warn_unresolved(
        report,
        f"f {doubt}has kinks, jumps, noise or details that are too fine for it: split the domain "
        "where f is not smooth, raise max_degree, or ask for less by tol",
    )
    return ChebTucker(core, factors, bases, report=report)
