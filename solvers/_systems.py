"""What a relaxation needs of a linear system: sweeps in some ordering, residuals, preconditioning.

`system` takes the user's matrix, right-hand side and start, checks them, and returns one of two
kinds that look the same to the solvers: a stencil on a grid, or a sparse matrix by rows. Vectors
are divided by a power of two where squares of their entries could overflow or vanish.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, Protocol

import numpy as np

from structlin._backend import device, is_numpy, kernel, namespace
from structlin._kernels import csr, stencil
from structlin._norm import norm
from structlin._validation import inexact, require_finite
from structlin.matrices import GridOperator


class System(Protocol):
    """A linear system that can be relaxed; vectors are in the system's own shape and order."""

    ordering: str
    unit: float
    diagonal: Any
    b: Any
    x: Any

    def product(self, x: Any) -> Any:
        """Return ``A x``."""

    def relax(
        self, x: Any, omega: float, target: float, ceiling: float, norms: Any
    ) -> tuple[Any, int]:
        """Sweep until a residual norm leaves the interval, as the kernels document it."""

    def ssor(self, r: Any, omega: float) -> Any:
        """Return ``M⁻¹ r`` of the symmetric sweep: forward in the ordering, then backward."""

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape, order and unit of the user's right-hand side."""


def require_omega(omega: Any) -> float:
    """Return the relaxation parameter as a float, or say why it is none."""
    if not isinstance(omega, numbers.Real) or not 0 < float(omega) < 2:
        raise ValueError(f"omega is {omega!r}: relaxation needs a number with 0 < omega < 2")
    return float(omega)


def require_tolerances(rtol: Any, atol: Any, b: Any) -> None:
    """Check the tolerances of a residual, for vectors such as ``b``."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not isinstance(value, numbers.Real) or not 0 <= float(value) < math.inf:
            raise ValueError(f"{name} is {value!r}: a tolerance is a number >= 0")
    resolved = float(namespace(b).finfo(b.dtype).eps)
    if atol == 0 and rtol < resolved:
        raise ValueError(
            f"rtol is {float(rtol):g}, but {b.dtype} resolves relative residuals to {resolved:.1g} "
            "at the very best: pass a larger rtol (or atol), or data of higher precision"
        )


def require_limits(maxiter: Any, time_limit: Any, callback: Any) -> None:
    """Check what else ends an iteration, and what is called in it."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is {callback!r}: pass a function of the iterate")
    if not isinstance(maxiter, numbers.Integral) or maxiter < 0:
        raise ValueError(f"maxiter is {maxiter!r}: the number of iterations is an integer >= 0")
    if time_limit is not None and not (
        isinstance(time_limit, numbers.Real) and float(time_limit) > 0
    ):
        raise ValueError(f"time_limit is {time_limit!r}: it is in seconds, positive")


def require_vectors(A: Any, b: Any, x0: Any) -> tuple[Any, Any]:
    """Return right-hand side and start (None: zero) in one floating-point type, checked."""
    if len(A.shape) != 2 or A.shape[0] != A.shape[1]:
        size = "x".join(map(str, A.shape))
        raise ValueError(f"A is {size}: a square matrix is needed")
    n = A.shape[0]
    grid = getattr(A, "grid", None)
    fits = f"({n},)" if grid is None else f"({n},) or {grid}"
    for name, v in (("b", b), ("x0", x0)):
        if v is None and name == "x0":
            continue
        if not hasattr(v, "dtype") or not hasattr(v, "__getitem__") or hasattr(v, "tocsr"):
            raise TypeError(f"{name} is a {type(v).__name__}: pass an array of shape {fits}")
        if tuple(v.shape) not in ((n,), grid):
            raise ValueError(
                f"{name} has shape {tuple(v.shape)} but A is {n}x{n}: it must have shape {fits}"
            )
    xp = namespace(A, b, x0)
    device(A, b, x0)
    matrix_type = inexact(A.data[:0], xp).dtype if hasattr(A, "indptr") else A.dtype
    b = inexact(xp.asarray(b), xp)  # matrices of NumPy become arrays
    kinds = [matrix_type, b.dtype]
    if x0 is not None:
        x0 = inexact(x0, xp)
        kinds.append(x0.dtype)
    kind = xp.result_type(*kinds)
    require_finite("b", b)
    b = xp.astype(b, kind, copy=False)
    if x0 is None:
        return b, None
    require_finite("x0", x0)
    return b, xp.reshape(xp.astype(x0, kind), b.shape)  # a copy: it may be returned


def require_finite_start(residual: float) -> None:
    """Raise if the residual of the start, whose vectors are finite, is not."""
    if not math.isfinite(residual):
        raise ValueError(
            f"‖b − A x0‖ is {residual}: A has a NaN or Inf, or x0 is so large that the product "
            "overflows"
        )


def unit_of(b: Any, x0: Any) -> float:
    """Return a power of two to measure vectors in, so that norms and products can be computed.

    It is 1 unless the largest entry is beyond ``2^±30``: then squares of residuals could overflow,
    or vanish, in some precision. Dividing by it changes no digit.
    """
    xp = namespace(b)
    largest = 0.0
    for v in (b, x0):
        if v is not None and math.prod(v.shape):
            largest = max(largest, float(xp.max(xp.abs(v))))
    exponent = math.frexp(largest)[1]
    return math.ldexp(1.0, exponent - 1) if largest > 0 and abs(exponent) > 30 else 1.0


def rescaled(x: Any, unit: float) -> Any:
    """Return an iterate that was measured in ``unit``.

    Raises
    ------
    ValueError
        If it overflows.
    """
    if unit == 1:
        return x
    with np.errstate(over="ignore"):
        x = x * unit
    if not bool(namespace(x).all(namespace(x).isfinite(x))):
        raise ValueError(f"the solution overflows {x.dtype}: scale A or b")
    return x


def rescaled_norms(norms: Any, unit: float) -> Any:
    """Return residual norms that were measured in ``unit``; one that overflows is infinite."""
    with np.errstate(over="ignore"):
        return unit * np.asarray(norms)


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
    A = getattr(A, "matrix", A)  # the operator `Sparse` holds one
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


def _require_positive(diagonal: Any) -> None:
    """Raise if an entry of the diagonal (a flat array) is not positive (complex: is zero)."""
    xp = namespace(diagonal)
    if xp.isdtype(diagonal.dtype, "complex floating"):
        good = (xp.abs(diagonal) > 0) & ((xp.imag(diagonal) != 0) | (xp.real(diagonal) > 0))
    else:
        good = diagonal > 0
    if not bool(xp.all(good)):
        row = int(xp.argmin(xp.astype(good, xp.int8)))
        raise ValueError(
            f"the diagonal of A is {complex(diagonal[row]):g} in row {row}: relaxation divides "
            "by it and needs positive entries"
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
        _require_positive(xp.reshape(xp.broadcast_to(A.coefficients, A.grid), (-1,)))
        self.ordering = ordering
        self.shape = b.shape
        self.unit = unit_of(b, x0)
        self._reversed = ordering == "reverse"
        stencil_of = A.reversed() if self._reversed else A
        diagonal, weights, self._periodic = stencil_of.stencil
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

    def restored(self, x: Any) -> Any:
        """Return an iterate in the shape and unit of the right-hand side."""
        xp = namespace(x)
        x = xp.reshape(xp.flip(x) if self._reversed else x, self.shape)
        return rescaled(x, self.unit)


class SparseSystem:
    """A sparse matrix by rows, permuted so that a sweep in its ordering takes the rows in turn."""

    def __init__(self, A: Any, b: Any, x0: Any, ordering: str | None) -> None:
        A.check_format(full_check=True)  # compiled loops follow its indices unchecked
        require_finite("A.data", A.data)
        if not A.has_canonical_format:
            A = A.copy()
            A.sum_duplicates()
        n = A.shape[0]
        _require_positive(A.diagonal())
        self.ordering = "lexicographic" if ordering is None else ordering
        self.unit = unit_of(b, x0)
        self._order = _order(A, self.ordering)
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
            self._indptr,
            self._middle,
            self._indices,
            self._data,
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
        kernel(namespace(r), csr.ssor)(
            z, r, self._indptr, self._middle, self._indices, self._data, self._step(omega), omega
        )
        return z

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


def _order(A: Any, ordering: str) -> Any:
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
