"""What a relaxation needs of a linear system: sweeps in some ordering, residuals, preconditioning.

`system` takes the user's matrix, right-hand side and start, checks them, and returns one of two
kinds that look the same to the solvers: a stencil on a grid, or a sparse matrix by rows.
"""

from __future__ import annotations

import numbers
from typing import Any, Protocol

import numpy as np

from structlin._backend import is_numpy, kernel, namespace
from structlin._kernels import csr, csr_eisenstat, eisenstat, stencil
from structlin._norm import norm
from structlin._validation import require_finite
from structlin.matrices import GridOperator
from structlin.solvers._vectors import require_vectors, rescaled, unit_of, unwrapped
from structlin.solvers.relaxation._stationary import Relaxable


class System(Relaxable, Protocol):
    """A linear system that can be relaxed in an ordering, and preconditioned by it."""

    ordering: str

    def ssor(self, r: Any, omega: float) -> Any:
        """Return ``M⁻¹ r`` of the symmetric sweep: forward in the ordering, then backward."""

    def iterate(
        self, state: tuple[Any, Any, Any, float], omega: float, target: float, norms: Any
    ) -> tuple[tuple[Any, Any, Any, float], int]:
        """Do iterations of conjugate gradients with SSOR, as the kernels document them."""


def require_omega(omega: Any) -> float:
    """Return the relaxation parameter as a float, or say why it is none."""
    if not isinstance(omega, numbers.Real) or not 0 < float(omega) < 2:
        raise ValueError(f"omega is {omega!r}: relaxation needs a number with 0 < omega < 2")
    return float(omega)


def system(A: Any, b: Any, x0: Any, ordering: str | None) -> System:
    """Return the system of a grid operator or a sparse matrix, ready for sweeps.

    Raises
    ------
    TypeError
        If ``A`` is neither.
    ValueError
        If shapes disagree, entries are NaN or Inf, a diagonal entry is not positive, or the
        ordering does not fit the matrix.
    """
    if isinstance(A, GridOperator):
        b, x0 = require_vectors(A, b, x0)
        return GridSystem(A, b, x0, ordering)
    A = unwrapped(A)
    if hasattr(A, "tocsr"):
        A = A.tocsr() if A.ndim == 2 else A
        if not is_numpy(namespace(A)):
            raise TypeError(
                "sparse matrices are relaxed on the CPU only: pass a GridOperator, or a SciPy "
                "matrix and NumPy vectors"
            )
        b, x0 = require_vectors(A, b, x0)
        return SparseSystem(A, b, x0, ordering)
    raise TypeError(
        f"A is a {type(A).__name__}: relaxation needs a GridOperator (which takes what is added to "
        "its diagonal as shift=) or a SciPy sparse matrix (scipy.sparse.csr_array makes one of a "
        "dense array)"
    )


def require_positive(diagonal: Any) -> None:
    """Raise if an entry of the diagonal (a flat array) is not positive (complex: is zero)."""
    xp = namespace(diagonal)
    if xp.isdtype(diagonal.dtype, "complex floating"):
        good = (xp.abs(diagonal) > 0) & ((xp.imag(diagonal) != 0) | (xp.real(diagonal) > 0))
    else:
        good = diagonal > 0
    if not bool(xp.all(good)):
        row = int(xp.argmin(xp.astype(good, xp.int8)))
        entry = complex(diagonal[row])
        shown = entry if entry.imag else entry.real
        raise ValueError(
            f"the diagonal of A is {shown:g} in row {row}: relaxation divides by it and needs "
            "positive entries"
        )


class GridSystem:
    """The stencil of a `GridOperator`; vectors have the shape of the grid."""

    def __init__(self, A: GridOperator, b: Any, x0: Any, ordering: str | None) -> None:
        xp = A.xp
        odd = [i for i, size in enumerate(A.grid) if A.periodic[i] and size % 2]
        if ordering is None:
            ordering = "lexicographic" if odd else "red-black"
        if ordering not in ("lexicographic", "reverse", "red-black"):
            raise ValueError(
                f"ordering is {ordering!r}: a grid takes 'lexicographic', 'reverse' or 'red-black'"
            )
        if ordering == "red-black" and odd:
            raise ValueError(
                f"axis {odd[0]} is periodic with {A.grid[odd[0]]} points, an odd number: two "
                "colours do not suffice, use ordering='lexicographic'"
            )
        require_positive(xp.reshape(xp.broadcast_to(A.coefficients, A.grid), (-1,)))
        self.ordering = ordering
        self.shape = b.shape
        self.unit = unit_of(b, x0)
        self._reversed = ordering == "reverse"
        diagonal, weights, self._periodic = A.stencil
        if self._reversed:
            diagonal, weights = xp.flip(diagonal), tuple(xp.flip(w) for w in weights)
        self.diagonal = xp.astype(diagonal, b.dtype, copy=False)
        self._weights = tuple(xp.astype(w, b.dtype, copy=False) for w in weights)
        self.b = self._own(xp, b, A.grid)
        self.x = xp.zeros_like(self.b) if x0 is None else self._own(xp, x0, A.grid)
        self._product = kernel(xp, stencil.product)
        red_black = ordering == "red-black"
        self._relax = kernel(
            xp, stencil.relax_red_black if red_black else stencil.relax_lexicographic
        )
        self._ssor = kernel(xp, stencil.ssor_red_black if red_black else stencil.ssor_lexicographic)
        self._iterate = kernel(
            xp, eisenstat.iterate_red_black if red_black else eisenstat.iterate_lexicographic
        )

    def _own(self, xp: Any, v: Any, grid: tuple[int, ...]) -> Any:
        v = xp.reshape(v, grid)
        v = xp.flip(v) if self._reversed else v
        return v if self.unit == 1 else v / self.unit

    def product(self, x: Any) -> Any:
        """Return ``A x``."""
        return self._product(x, self.diagonal, self._weights, self._periodic)

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval."""
        relaxed: tuple[Any, int] = self._relax(
            x, self.b, self.diagonal, self._weights, self._periodic, omega, target, ceiling, norms
        )
        return relaxed

    def ssor(self, r: Any, omega: float) -> Any:
        """Return ``M⁻¹ r``."""
        return self._ssor(r, self.diagonal, self._weights, self._periodic, omega)

    def iterate(
        self, state: tuple[Any, Any, Any, float], omega: float, target: float, norms: Any
    ) -> tuple[tuple[Any, Any, Any, float], int]:
        """Do iterations of conjugate gradients with SSOR."""
        *state, done = self._iterate(
            *state, self.diagonal, self._weights, self._periodic, omega, target, norms
        )
        return tuple(state), done

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape and unit of the right-hand side."""
        xp = namespace(x)
        x = xp.reshape(xp.flip(x) if self._reversed else x, self.shape)
        return rescaled(x, self.unit)


class SparseSystem:
    """A sparse matrix by rows, permuted so that a sweep in its ordering takes the rows in turn."""

    def __init__(self, A: Any, b: Any, x0: Any, ordering: str | None) -> None:
        A.check_format(full_check=True)  # compiled loops follow its indices unchecked
        require_finite("A", A)
        if not A.has_canonical_format:
            A = A.copy()
            A.sum_duplicates()
        n = A.shape[0]
        require_positive(A.diagonal())
        self.ordering = "lexicographic" if ordering is None else ordering
        self.unit = unit_of(b, x0)
        self._order = row_order(A, self.ordering)
        if self._order is not None:
            A = A[self._order][:, self._order]
            A.sort_indices()
        self._indptr, self._indices = A.indptr, A.indices
        self._data = np.asarray(A.data, b.dtype)
        self._middle = np.empty(n, A.indptr.dtype)
        kernel(namespace(b), csr.diagonal_positions)(A.indptr, A.indices, self._middle)
        self._matrix = A if A.dtype == b.dtype else A.astype(b.dtype)
        self.diagonal = self._data[self._middle]
        self._increments = np.zeros_like(b)
        self.b = self._own(b)
        self.x = np.zeros_like(b) if x0 is None else self._own(x0)

    def _own(self, v: Any) -> Any:
        v = v if self._order is None else v[self._order]
        return np.require(v if self.unit == 1 else v / self.unit, None, ["C", "W"])

    def product(self, x: Any) -> Any:
        """Return ``A x``."""
        return self._matrix @ x

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval."""
        relaxed = np.array(x)
        sweeps = kernel(namespace(x), csr.relax)(
            relaxed,
            self.b,
            *self._rows,
            self._step(omega),
            self._increments,
            target,
            ceiling,
            norms,
        )
        if sweeps == norms.size - 1:
            norms[sweeps] = norm(self.b - self.product(relaxed))
        return relaxed, sweeps

    def ssor(self, r: Any, omega: float) -> Any:
        """Return ``M⁻¹ r``."""
        z = np.empty_like(r)
        kernel(namespace(r), csr.ssor)(z, r, *self._rows, self._step(omega), omega)
        return z

    def iterate(
        self, state: tuple[Any, Any, Any, float], omega: float, target: float, norms: Any
    ) -> tuple[tuple[Any, Any, Any, float], int]:
        """Do iterations of conjugate gradients with SSOR."""
        x, r, p = (np.array(v) for v in state[:3])
        previous, done = kernel(namespace(x), csr_eisenstat.iterate)(
            x,
            r,
            p,
            np.empty_like(x),
            np.empty_like(x),
            state[3],
            *self._rows,
            self._step(omega),
            omega,
            target,
            norms,
        )
        return (x, r, p, previous), done

    @property
    def _rows(self) -> tuple[Any, ...]:
        return self._indptr, self._middle, self._indices, self._data

    def _step(self, omega: float) -> Any:
        return np.asarray(omega / self.diagonal, self.b.dtype)

    def restored(self, x: Any) -> Any:
        """Return an iterate in the order and unit of the right-hand side."""
        x = rescaled(x, self.unit)
        if self._order is None:
            return x
        out = np.empty_like(x)
        out[self._order] = x
        return out


def row_order(A: Any, ordering: str) -> Any:
    """Return the rows in the order of a sweep, or None for that of the matrix."""
    n = A.shape[0]
    if ordering == "lexicographic":
        return None
    if ordering == "reverse":
        return np.arange(n)[::-1]
    if ordering not in ("multicolor", "red-black"):
        raise ValueError(
            f"ordering is {ordering!r}: for a sparse matrix, use 'lexicographic', 'reverse', "
            "'multicolor' or 'red-black'"
        )
    pattern = A.astype(bool)
    pattern = (pattern + pattern.T).tocsr()
    colors = np.empty(n, np.int64)
    widest = int(np.diff(pattern.indptr).max(initial=0)) + 2
    count = kernel(namespace(A.data), csr.first_fit_colors)(
        pattern.indptr, pattern.indices, colors, np.zeros(widest, np.int64)
    )
    if ordering == "red-black" and count > 2:
        raise ValueError(
            f"the first-fit colouring of A needs {count} colours: use ordering='multicolor'"
        )
    return np.argsort(colors, kind="stable")
