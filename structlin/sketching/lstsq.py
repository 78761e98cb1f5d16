"""Least squares by sketching, as accurate as LAPACK."""

from __future__ import annotations

from typing import Any

from structlin.sketching._lstsq_driver import LeastSquares as LeastSquares, regularised


def lstsq(
    A: Any,
    b: Any,
    *,
    method: str = "auto",
    oversampling: float | None = None,
    tol: float | None = None,
    rcond: float | None = None,
    rng: Any = None,
) -> LeastSquares:
    """Minimise ``‖b − A x‖₂``, for a matrix with many more rows than columns.

    Parameters
    ----------
    A : (m, n) array, sparse matrix, operator or RowBlocks
        The matrix, of any rank. Integers become float64, half precision becomes single.
    b : (m,) or (m, k) array
        Right-hand side, or several; promoted likewise.
    method : {"auto", "cholqr", "spir", "fossils", "sketch", "lapack"}
        "cholqr": corrections with the Cholesky factor of ``A`` in sketched coordinates;
        "spir", "fossils": corrections by conjugate gradients, or by the heavy ball method, in
        sketched coordinates; "sketch": the solution of the sketched problem, whose residual is a
        little larger than the least; "lapack": LAPACK's ``gelsd`` (the singular value
        decomposition, outside NumPy). "auto" takes LAPACK for ``m < 8 n``, "cholqr" for arrays
        and row blocks, and "spir" for sparse matrices, operators, and NumPy arrays of 500 columns
        and more with one right-hand side; should one not converge, the other, and at last LAPACK,
        go on with arrays.
    oversampling : float, optional
        Rows of the sketch for each column of ``A``: by default 4 for "cholqr", 8 for "spir" and 12
        for others, or less, where that is more than half the rows of ``A``.
    tol : float, optional
        Backward error at which corrections end. By default the unit roundoff.
    rcond : float, optional
        Singular values up to ``rcond`` times the largest count as zero. By default 15 times the
        data type's ``eps``.
    rng : None, int or numpy.random.Generator, optional
        Gives the sketch.

    Returns
    -------
    LeastSquares
        With ``x``; of a matrix of lower rank, the solution of least norm.

    Raises
    ------
    ValueError
        If shapes disagree, there is a NaN or Inf, or the method is none of these.

    Warns
    -----
    ConvergenceWarning
        If the backward error stays above ``tol`` and 10 ``eps``.

    Notes
    -----
    The triangle of the sketch ``S A`` gives coordinates ``W`` in which ``A W`` is nearly
    orthonormal, and a first solution, from which ``x ← x + W H⁻¹ Wᴴ Aᴴ(b − A x)`` converges to
    the accuracy of a direct method; ``H = (A W)ᴴ(A W)`` is factored, or applied in an iteration.
    Each correction takes one pass over ``A``. A correction is followed by another until the
    backward error, estimated with the sketch, is that of rounding: mostly two.

    "cholqr" takes ``4 m n²`` operations (``2 m n²`` up to condition numbers of about 1e5) and
    4 or 5 passes; "spir" and "fossils" take ``4 m n`` operations a pass, and 10 to 35 passes.
    "fossils" may diverge with less than 12 rows of the sketch for each column, and warns then.
    Columns are scaled to norms near one by powers of two first, and a right-hand side too.

    Wide matrices, and others with ``m < 8 n``, are formed as arrays. An operator needs its
    adjoint, and as many products as it has columns for the sketch.

    References
    ----------
    E. N. Epperly, M. Meier and Y. Nakatsukasa, "Fast randomized least-squares solvers can be just
    as accurate and stable as classical direct solvers", arXiv:2406.03468.

    R. Karlson and B. Waldén, "Estimation of optimal backward perturbation bounds for the linear
    least squares problem", BIT 37 (1997).

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(-1, 1, 2000)
    >>> fit = lstsq(np.stack([t**0, t, t**2], axis=1), np.exp(t), rng=0)
    >>> fit.x.round(3), fit.method
    (array([0.996, 1.104, 0.537]), 'cholqr (auto)')
    """
    return regularised(A, b, [0.0], method, oversampling, tol, rcond, rng)[0]
