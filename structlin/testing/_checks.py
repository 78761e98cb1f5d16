"""The properties of linear operators: what `structlin.testing.check_operator` checks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin.matrices.operations import aslinearoperator
from structlin.testing import _function_checks, _product_checks, _spectral_checks
from structlin.testing._case import Case, checks

# importing them fills the list of checks
_subjects = _product_checks, _function_checks, _spectral_checks

# matrices beyond this size are not compared with dense ones
_dense_entries = 2**22
# and the functions of matrices are checked up to this size
_dense_rows = 256


def check_operator(
    A: Any, *, rng: Any = None, condition: float = 1.0, functions: bool = True
) -> None:
    """Check that an operator does what the dense matrix of the same entries does.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The operator; small, since it is compared with ``A.todense()``.
    rng : seed or numpy.random.Generator, optional
        Gives the vectors for which the properties are tried.
    condition : float, default 1
        How much the products of ``A`` may amplify rounding errors.
    functions : bool, default True
        Whether to check `solve`, `slogdet`, `svd` and the other functions as well, if ``A`` has
        at most 256 rows and columns.

    Raises
    ------
    AssertionError
        With the property that fails, and by how much.

    Notes
    -----
    Products may differ from the dense ones by ``100 eps max(m, n) condition`` times the norms
    of matrix and vector. Solutions, inverses and determinants may differ by the condition number
    of the matrix on top; where that exceeds ``1 / (10⁴ n eps)``, they are not compared. Of a
    singular matrix `slogdet` must give sign 0 and −∞, or what rounding makes of them, and `solve`
    and `inv` must raise a `numpy.linalg.LinAlgError` or give finite numbers: never NaN.

    Eigenvectors and singular vectors must be orthonormal and reproduce the matrix as exactly as
    products do; eigenvalues, singular values and norms may differ from the dense ones by as much.
    `rank`, `lstsq` and `pinv` are compared where no singular value lies between rounding and
    ``10⁴ max(m, n) eps σ₁``.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import LinearOperator
    >>> class Shift(LinearOperator):
    ...     def _matmat(self, X): return self.xp.roll(X, 1, axis=0)
    ...     def _rmatmat(self, X): return self.xp.roll(X, -1, axis=0)
    >>> check_operator(Shift((5, 5)))
    """
    A = aslinearoperator(A)
    if math.prod(A.shape) > _dense_entries:
        raise ValueError(f"{A!r} is too large to be compared with a dense matrix")
    case = Case(A, np.random.default_rng(rng), condition)
    kinds = {"all"}
    if functions and max(A.shape) <= _dense_rows:
        kinds |= {"functions", "square"} if A.shape[0] == A.shape[1] else {"functions"}
    # products first: the functions build on them
    for words, kind, check in sorted(checks, key=lambda line: line[1] != "all"):
        if kind not in kinds:
            continue
        try:
            check(case)
        except Exception as error:
            raise AssertionError(f"{A!r} fails: {words}: {error}") from error
