"""Least squares by a dense sketch, with a guarantee for every entry of the solution."""

from __future__ import annotations

import math
from typing import Any

from structlin._norm import column_norms
from structlin.sketching._lstsq_coordinates import Coordinates
from structlin.sketching._lstsq_driver import LeastSquares, operands, real_sides, scaled_back
from structlin.sketching._lstsq_problem import powers_of_two
from structlin.sketching._random import seed_of
from structlin.sketching.gaussian import Gaussian
from structlin.sketching.srct import SRCT

_sketches = {"srct": SRCT, "gaussian": Gaussian}


def lstsq_uniform(
    A: Any,
    b: Any,
    *,
    eps: float = 0.5,
    delta: float = 0.01,
    sketch: str = "srct",
    rng: Any = None,
) -> LeastSquares:
    """Minimise ``‖b − A x‖₂`` roughly, with small errors in every entry of ``x``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, with many more rows than columns.
    b : (m,) or (m, k) array
        Right-hand side, or several.
    eps : float
        The accuracy ``ε``, positive.
    delta : float
        How often the guarantee may fail, for one right-hand side.
    sketch : {"srct", "gaussian"}
        The sketch has to be dense: those with few entries in a column spoil single entries of
        ``x``.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketch.

    Returns
    -------
    LeastSquares
        With the solution ``x`` of the sketched problem. Its error estimate is the largest bound on
        ``‖x − x*‖_∞`` (an absolute error), by the residual and the sketch's singular values; rank
        and condition number are the sketch's.

    Raises
    ------
    ValueError
        If ``eps`` or ``delta`` is out of range, shapes disagree, or there is a NaN or Inf.

    Notes
    -----
    The solution ``x*`` of the whole problem is met up to

        ``‖x − x*‖_∞ ≤ ε/√n ‖b − A x*‖ ‖A⁺‖``,

    where the error of any sketch that embeds is bounded by this without the ``√n`` only [1]_. With
    a Gaussian sketch, ``x − x* = (S A)⁺ S r`` and ``S r`` is independent of ``S A``: given this,
    entries are normal, of deviation ``‖r‖ ‖(S A)⁺‖ / √d`` at most. The bound thus holds with
    probability ``1 − δ`` for

        ``√d = √n + √(2 log(2/δ)) + √(2 n log(4 n/δ)) / ε``

    rows. The same number is taken for the cosine transform, which is far cheaper, ``5 m n log m``
    operations; what is proved for it asks for ``n log³(n/δ)/ε²``. Its error estimate is thus not
    proved: take ``sketch="gaussian"`` where a few rows carry ``A``.

    Where ``d ≥ m``, nothing is sketched.

    References
    ----------
    .. [1] E. Price, Z. Song and D. P. Woodruff, "Fast regression with an ℓ∞ guarantee", ICALP
       2017.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(-1, 1, 20_000)
    >>> fit = lstsq_uniform(np.stack([t**0, t], axis=1), np.exp(t), rng=0)
    >>> fit.x.round(1), fit.error_estimate < 0.2
    (array([1.2, 1.1]), True)
    """
    if not 0 < eps < math.inf or not 0 < delta < 1:
        raise ValueError(f"eps is {eps} and delta {delta}: eps > 0 and 0 < delta < 1 are needed")
    if sketch not in _sketches:
        raise ValueError(f"sketch is {sketch!r}: choose 'srct' or 'gaussian', which are dense")
    A, B, vector = operands(A, b)
    xp, (m, n) = A.xp, A.shape
    B, rejoin = real_sides(A, B)
    B = xp.astype(B, xp.result_type(A.dtype, B.dtype), copy=False)
    units = powers_of_two(column_norms(B), xp)
    B = B / units
    rows = _rows(n, eps, delta)
    seed = None
    if rows < m and n:
        seed = seed_of(rng)
        S = _sketches[sketch](rows, m, rng=seed, dtype=B.dtype, like=B)
        sketched = S.apply(A), S @ B
        method = f"{sketch} of {rows} rows"
    else:
        sketched = xp.astype(A.todense(), B.dtype, copy=False), B
        method = f"all rows: a sketch would have {rows}"
    found = Coordinates.of_matrix(*sketched, 0.0, 15 * float(xp.finfo(B.dtype).eps), xp)
    x = found.shortest(found.start, xp)
    residuals = column_norms(B - xp.astype(A @ x, B.dtype, copy=False))
    rank = int(found.s.shape[0])
    # 1/‖A⁺‖, without the scaling of the columns
    least = float(xp.linalg.svdvals(sketched[0])[rank - 1]) if rank else 1.0
    x, norms = rejoin(*scaled_back(x, residuals, units))
    largest = float(xp.max(norms)) if rank and norms.shape[0] else 0.0
    return LeastSquares(
        x=x[:, 0] if vector else x,
        residual_norm=norms[0] if vector else norms,
        rank=rank,
        condition=found.condition,
        method=method,
        error_estimate=eps / math.sqrt(max(n, 1)) / least * largest,
        passes=2,
        seed=seed,
    )


def _rows(n: int, eps: float, delta: float) -> int:
    """Return the rows of a Gaussian sketch for which the bound is proved."""
    root = math.sqrt(2 * n * math.log(max(4 * n / delta, 1.0))) / eps
    return math.ceil((math.sqrt(n) + math.sqrt(2 * math.log(2 / delta)) + root) ** 2)
