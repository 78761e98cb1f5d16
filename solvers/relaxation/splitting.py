"""The numbers of a matrix on which bounds of relaxation rest, for all parameters at once."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace, scipy_of
from structlin._errors import ConvergenceError
from structlin._validation import require_finite
from structlin.matrices import GridOperator
from structlin.solvers._vectors import unwrapped
from structlin.solvers.relaxation._systems import require_omega, row_order

dense_rows = 1000  # up to here matrices are formed


@dataclass(frozen=True)
class SplittingNumbers:
    """What bounds of relaxation need to know of a matrix ``A = L + D + Lᴴ``.

    Attributes
    ----------
    condition : float
        ``κ``, the condition number of ``A``.
    diagonal : float
        ``a = λ_max(A⁻¹ D)``.
    coupling : float
        ``b = λ_max(A⁻¹ (L D⁻¹ Lᴴ − D/4))``.

    Raises
    ------
    ValueError
        If no positive definite matrix has these numbers.
    """

    condition: float
    diagonal: float
    coupling: float

    def __post_init__(self) -> None:
        """Check that a matrix can have these numbers.

        Raises
        ------
        ValueError
            If none can.
        """
        for name, least in (("condition", 1.0), ("diagonal", 1.0), ("coupling", -0.25)):
            value = getattr(self, name)
            # what is computed may be off by as much
            if not isinstance(value, numbers.Real) or not least - 1e-5 <= float(value) < math.inf:
                raise ValueError(f"{name} is {value!r}: in a definite matrix it is >= {least:g}")

    @property
    def omega(self) -> float:
        """The parameter for which ``I`` is greatest: ``2/(1 + √((2 + 4 b)/a))``."""
        return 2 / (1 + math.sqrt(max(2 + 4 * self.coupling, 0) / self.diagonal))

    def sweep_bound(self, omega: float) -> float:
        """Return ``1 − ‖I − W⁻¹ A‖²_A`` from below, for ``W = D/ω + L``.

        Parameters
        ----------
        omega : float
            Relaxation parameter, ``0 < omega < 2``.

        Returns
        -------
        float
            ``I = (2 − ω)/(1 + (2 − ω)² a/(4 ω) + b ω)``, which is also a lower bound of the
            eigenvalues of ``M⁻¹ A`` for the SSOR preconditioner ``M``.
        """
        omega = require_omega(omega)
        rest = 2.0 - omega
        return rest / (1 + rest * rest * self.diagonal / (4 * omega) + self.coupling * omega)


def splitting_numbers(
    A: Any, *, ordering: str = "lexicographic", rng: Any = None
) -> SplittingNumbers:
    """Compute the three numbers on which bounds for all relaxation parameters rest.

    Parameters
    ----------
    A : (n, n) GridOperator or SciPy sparse matrix
        A Hermitian positive definite matrix of NumPy.
    ordering : str, default "lexicographic"
        Order of the updates, as in `sor`.
    rng : numpy.random.Generator, int or None
        For the start vectors of Lanczos iterations.

    Returns
    -------
    SplittingNumbers
        Exact up to rounding for up to 1000 rows, by eigenvalues of dense matrices; beyond, by
        Lanczos iterations with a sparse factorisation of ``A``, to a relative accuracy of 1e-6.

    Raises
    ------
    ValueError
        If the matrix is not Hermitian positive definite, or has a NaN or Inf.
    ConvergenceError
        If a Lanczos iteration fails.

    Examples
    --------
    >>> from structlin.matrices import GridOperator
    >>> numbers = splitting_numbers(GridOperator.laplacian((10, 10)))
    >>> round(numbers.condition, 3)
    48.374
    """
    rows = rows_of(A)
    if rows.shape[0] != rows.shape[1]:
        raise ValueError(f"A is {rows.shape[0]}x{rows.shape[1]}: a square matrix is needed")
    gap = abs(rows - rows.conj().T)
    if gap.nnz and gap.max() > 100 * _eps_of(rows) * abs(rows).max():
        raise ValueError("A is not Hermitian: the bounds hold for Hermitian matrices only")
    order = row_order(rows, ordering)
    if order is not None:
        rows = rows[order][:, order]
    n = rows.shape[0]
    if n == 0:
        return SplittingNumbers(1.0, 1.0, 0.0)
    d = rows.diagonal()
    if not (d > 0).all():
        raise ValueError(f"the diagonal of A is {d[np.argmin(d)]}: A is not positive definite")
    sparse = scipy_of(namespace(d), "sparse")
    lower = sparse.tril(rows, -1).tocsr()
    scaled = sparse.diags_array(1 / d)
    coupling = (lower @ scaled @ lower.conj().T - sparse.diags_array(d / 4)).tocsr()
    if n <= dense_rows:
        return _dense_numbers(rows.toarray(), np.diag(d), coupling.toarray())
    return _lanczos_numbers(rows, sparse.diags_array(d).tocsr(), coupling, rng)


def rows_of(A: Any) -> Any:
    """Return the user's matrix in CSR form, on the host."""
    if isinstance(A, GridOperator):
        if not is_numpy(A.xp):
            raise TypeError("bounds are computed on the CPU only: pass an operator of NumPy")
        return A.tosparse()
    A = unwrapped(A)
    if not hasattr(A, "tocsr") or not is_numpy(namespace(A)):
        raise TypeError(f"A is a {type(A).__name__}: pass a GridOperator or a SciPy sparse matrix")
    require_finite("A", A)
    return A.tocsr()


def _dense_numbers(A: Any, D: Any, coupling: Any) -> SplittingNumbers:
    values = np.linalg.eigvalsh(A)
    try:
        root = np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        raise ValueError(f"A is not positive definite: it has the eigenvalue {values[0]}") from None

    def greatest(B: Any) -> float:
        half = np.linalg.solve(root, B)
        return float(np.linalg.eigvalsh(np.linalg.solve(root, half.conj().T))[-1])

    diagonal = greatest(D)
    _require_regular(diagonal, A)
    return SplittingNumbers(float(values[-1] / values[0]), diagonal, greatest(coupling))


def _lanczos_numbers(A: Any, D: Any, coupling: Any, rng: Any) -> SplittingNumbers:
    linalg = scipy_of(namespace(A.data), "sparse.linalg")
    try:
        factors = linalg.splu(
            A.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError as error:
        raise ValueError(f"A is not positive definite: {error}") from error
    # a definite matrix needs no pivoting, and has positive pivots
    if (factors.perm_r != factors.perm_c).any() or not (factors.U.diagonal().real > 0).all():
        raise ValueError("A is not positive definite: its factorisation has a pivot <= 0")
    inverse = linalg.LinearOperator(A.shape, matvec=factors.solve, dtype=A.dtype)
    start = np.random.default_rng(rng).standard_normal(A.shape[0])

    def greatest(B: Any, **kwargs: Any) -> float:
        try:
            found = linalg.eigsh(
                B, k=1, which="LA", v0=start, tol=1e-6, return_eigenvectors=False, **kwargs
            )
        except linalg.ArpackError as error:
            raise ConvergenceError(f"a Lanczos iteration failed: {error}") from error
        return float(found[0])

    pencil = {"M": A, "Minv": inverse}
    diagonal = greatest(D, **pencil)
    _require_regular(diagonal, A)
    least = 1 / greatest(inverse)
    return SplittingNumbers(greatest(A) / least, diagonal, greatest(coupling, **pencil))


def _require_regular(diagonal: float, A: Any) -> None:
    """Raise if ``λ_max(A⁻¹ D)``, which no unit of ``A`` changes, is made of rounding errors."""
    if not diagonal * _eps_of(A) < 0.1:
        raise ValueError("A is not positive definite: it is singular, up to rounding errors")


def _eps_of(A: Any) -> float:
    return float(np.finfo(np.result_type(A.dtype, np.float32)).eps)
