"""The logarithm of the determinant: factorised where that is cheap, estimated where it is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import is_numpy, scipy_of
from structlin.matrices import (
    Dense,
    LinearOperator,
    Sparse,
    cholesky,
    eigh,
    is_hermitian,
    slogdet,
)
from structlin.matrices.decompositions import not_positive
from structlin.matrices.fallback import has_eigh, structured
from structlin.matrices.systems import square
from structlin.sketching._estimate import Estimate, estimate
from structlin.sketching._fill import predicted_fill
from structlin.sketching._operand import as_matrix
from structlin.sketching.trace_of_function import quadrature, require_options

# entries of a sparse factor (160 MB of numbers, and its twin as many), and multiplications, that
# count as cheap; rows up to which a matrix without structure is made dense: about as many
# products as the estimate takes
_entries, _operations, _small = 20_000_000, 4e9, 1024


def logdet(
    A: Any,
    *,
    method: str = "auto",
    probes: int | None = None,
    steps: int | None = None,
    tol: float | None = None,
    rng: Any = None,
) -> Estimate:
    """Return the logarithm of the determinant of a positive definite matrix.

    Parameters
    ----------
    A : (n, n) array, sparse matrix, LinearOperator or RowBlocks
        The matrix: Hermitian and positive definite. Exact methods also take one that is not
        Hermitian, if its determinant is real and positive.
    method : {"auto", "exact", "slq"}
        ``"exact"`` is the rule of the structure, Cholesky's factorisation of an array, or a sparse
        factorisation. ``"auto"`` is exact where that is cheap: a structure that knows its
        determinant, an array, a sparse matrix of which the elimination by minimum degree,
        simulated on the pattern, tells that it fills in to at most 2·10⁷ entries and
        4·10⁹ operations, and any matrix of at most 1024 rows. Otherwise it is ``"slq"``:
        stochastic Lanczos quadrature.
    probes, steps, tol
        Of the quadrature, as for `trace_of_function`.
    rng : None, int or numpy.random.Generator, optional
        Gives the seed of the probes.

    Returns
    -------
    Estimate
        ``value``, ``standard_error``, ``bias``, and their sum ``error_estimate``: all zero for an
        exact method, but for rounding. ``method`` says which, and why.

    Raises
    ------
    numpy.linalg.LinAlgError
        If ``A`` is found not to be positive definite.
    ValueError
        If ``A`` is not square, not finite, or needs an exact method and has none.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached.

    Notes
    -----
    ``log det A = tr log A``. The quadrature finds out that a matrix is indefinite only if one of
    its nodes, which lie within the spectrum, is not positive; factorisations always do, and rules
    of structures that do not know the eigenvalues if the determinant is not positive. Gauss
    quadrature of the logarithm errs to the upper side; the error shrinks by about
    ``((√κ − 1)/(√κ + 1))²`` at every step, with the condition number ``κ``.

    References
    ----------
    S. Ubaru, J. Chen and Y. Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos
    quadrature", SIAM Journal on Matrix Analysis and Applications 38 (2017).

    P. R. Amestoy, T. A. Davis and I. S. Duff, "An approximate minimum degree ordering algorithm",
    SIAM Journal on Matrix Analysis and Applications 17 (1996).

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> A = scipy.sparse.diags_array(np.full(1000, np.e)).tocsr()
    >>> logdet(A)
    <Estimate 1000 ± 0: exact: sparse LU factorisation, 1000 entries predicted>
    """
    A = square(as_matrix(A), "logdet")
    if method not in ("auto", "exact", "slq"):
        raise ValueError(f"method is {method!r}: choose one of 'auto', 'exact', 'slq'")
    require_options(probes, steps, tol)
    if method != "slq":
        exact = _exact(A, everything=method == "exact")
        if exact is not None:
            return exact
        if isinstance(A, Sparse) and not is_hermitian(A):
            raise ValueError(
                f"{A!r} is not Hermitian, as the quadrature needs it, and fills in when it is "
                "factorised: method='exact' does so nonetheless"
            )
    xp = A.xp

    def logarithm(nodes: Any) -> Any:
        if not bool(xp.all(nodes > 0)):
            raise not_positive(A)
        return xp.log(nodes)

    if A.shape[0] == 0:
        return estimate(0.0, method="exact: there is nothing")
    return quadrature(A, logarithm, probes=probes, steps=steps, tol=tol, rng=rng)


def _exact(A: LinearOperator, everything: bool) -> Estimate | None:
    """Return the exact value, or None where it would not be cheap."""
    n = A.shape[0]
    if n == 0:
        return estimate(0.0, method="exact: there is nothing")
    if isinstance(A, Sparse):
        if not is_numpy(A.xp):
            return _of_determinant(A, "sparse LU factorisation") if everything else None
        predicted = None if everything else predicted_fill(A.matrix, _entries, _operations)
        if predicted is None and not everything:
            return None
        told = "" if predicted is None else f", {predicted[0]} entries predicted"
        return _sparse(A, f"sparse LU factorisation{told}")
    if not isinstance(A, Dense) and structured(slogdet, A):
        # two negative eigenvalues would not show in the sign of the determinant
        if has_eigh(A) and not bool(A.xp.all(eigh(A).eigenvalues > 0)):
            raise not_positive(A)
        return _of_determinant(A, "the rule of the structure")
    if isinstance(A, Dense) or everything or n <= _small:
        D = A if isinstance(A, Dense) else Dense(A.todense())
        if not is_hermitian(D):
            return _of_determinant(D, "LU factorisation")
        L = cholesky(D).todense()
        pivots = A.xp.astype(A.xp.abs(A.xp.linalg.diagonal(L)), A.xp.float64)
        value = 2 * float(A.xp.sum(A.xp.log(pivots)))
        return estimate(value, method="exact: Cholesky factorisation", passes=1)
    return None


def _of_determinant(A: LinearOperator, how: str) -> Estimate:
    sign, logarithm = slogdet(A)
    # of a product of many numbers, the sign is known up to rounding
    if abs(complex(sign) - 1) > 1e-3 or not math.isfinite(float(logarithm)):
        raise np.linalg.LinAlgError(
            f"det A has the sign {complex(sign):.3g}: {A!r} is not positive definite"
        )
    return estimate(float(logarithm), method=f"exact: {how}", passes=1)


def _sparse(A: Sparse, how: str) -> Estimate:
    """Factorise with pivots on the diagonal, all of which are positive where ``A`` is definite."""
    if not is_hermitian(A):
        return _of_determinant(A, how)
    unit = float(abs(A.matrix.data).max(initial=0.0)) or 1.0
    try:
        factors = scipy_of(A.xp, "sparse.linalg").splu(
            (A.matrix / unit).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:  # a pivot is zero
        raise not_positive(A) from None
    pivots = factors.U.diagonal()
    diagonal = bool(np.all(factors.perm_r == factors.perm_c))
    if not (diagonal and bool(np.all(np.real(pivots) > 0))):
        raise not_positive(A)
    value = float(np.sum(np.log(np.abs(pivots).astype(np.float64)))) + A.shape[0] * math.log(unit)
    return estimate(value, method=f"exact: {how}", passes=1)
