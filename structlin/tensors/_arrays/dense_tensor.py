"""An array that is to become a Tucker tensor: checked, C-ordered, of a size that squares allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from structlin._backend import device, is_numpy, namespace
from structlin._norm import norm, power_of_two
from structlin._validation import inexact, require_array, require_finite
from structlin.tensors._arrays.unfoldings import projected
from structlin.tensors._report import Compression
from structlin.tensors._tolerance import require_tolerance
from structlin.tensors.tucker import Tucker, rank_bounds

# bytes of a block in which the error is measured: it stays in the cache
_block = 2**22


@dataclass(frozen=True)
class DenseTensor:
    """The array, and what is asked of its Tucker form.

    Attributes
    ----------
    array : array
        C-ordered; its axes are those of the user's array in reverse where that was
        Fortran-ordered, and it is divided by ``unit``.
    size : float
        The Frobenius norm of ``array``.
    tol : float or None
        The error, relative to the norm.
    ranks : list of int or None
        The largest ranks.
    """

    array: Any
    unit: float
    size: float
    tol: float | None
    ranks: list[int] | None
    reverse: bool

    @property
    def xp(self) -> Any:
        """The array library."""
        return namespace(self.array)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self.array.ndim)

    @property
    def budget(self) -> float | None:
        """What the truncation along one axis may leave, as a squared norm."""
        return None if self.tol is None else (self.tol * self.size) ** 2 / self.ndim

    def name(self, axis: int) -> int:
        """Return the number that an axis has in the user's array."""
        return self.ndim - 1 - axis if self.reverse else axis

    @property
    def squares_tell(self) -> float:
        """The least relative error that can be seen in squares of singular values."""
        return 2 * math.sqrt(self.ndim * float(self.xp.finfo(self.array.dtype).eps))

    def most(self, axis: int) -> int:
        """Return the largest rank along an axis."""
        return int(self.array.shape[axis]) if self.ranks is None else self.ranks[axis]

    def core(self, factors: Sequence[Any]) -> Any:
        """Return the array times the adjoint of an orthonormal factor along every axis."""
        T = self.array
        for axis in sorted(range(self.ndim), key=lambda k: factors[k].shape[1] / T.shape[k]):
            T = projected(T, factors[axis], axis)
        return T

    def error(self, core: Any, factors: Sequence[Any]) -> float:
        """Return the relative error of the core that belongs to orthonormal factors.

        It is the root of ``1 − ‖core‖² / ‖T‖²``, or measured entry by entry where that is small.
        """
        rest = 1 - (norm(core) / self.size) ** 2
        if rest > 1e4 * float(self.xp.finfo(self.array.dtype).eps):
            return math.sqrt(rest)
        squares = 0.0
        for where, block in Tucker(core, factors).blocks(max_bytes=_block):
            squares += norm((self.array[where] - block) / self.size) ** 2
        return math.sqrt(squares)

    def tucker(self, core: Any, factors: Sequence[Any], report: Compression) -> Tucker:
        """Return the tensor with the axes and the unit of the user's array."""
        if self.unit != 1:
            core = core * self.unit
        if self.reverse:
            core = self.xp.permute_dims(core, tuple(reversed(range(self.ndim))))
            factors = list(reversed(factors))
        return Tucker(core, factors, report=report)

    def zero(self, method: str) -> Tucker:
        """Return the tensor of zeros, or of no entries."""
        xp, like = self.xp, {"dtype": self.array.dtype, "device": device(self.array)}
        factors = [xp.eye(int(n), min(int(n), 1), **like) for n in self.array.shape]
        core = xp.zeros(tuple(min(int(n), 1) for n in self.array.shape), **like)
        return self.tucker(core, factors, Compression(method=method, error_estimate=0.0))


def dense_tensor(T: Any, tol: float | None, ranks: int | Sequence[int] | None) -> DenseTensor:
    """Return a checked array with what is asked of it.

    Raises
    ------
    TypeError, ValueError
        If it is no array of numbers with one axis or more, has NaN or Inf, or tolerance or ranks
        are out of range.
    """
    if isinstance(T, Tucker):
        raise TypeError("T is a Tucker tensor already: use its recompress(tol, ranks)")
    require_array("T", T)
    xp, T = namespace(T), inexact(T)
    if T.ndim == 0:
        raise ValueError("T is a scalar: a tensor of one axis or more is needed")
    if tol is None and ranks is None:
        raise ValueError("neither tol nor ranks is given: pass one of them, or both")
    if tol is not None:
        require_tolerance(tol, T.dtype, xp)
    bounds = None if ranks is None else rank_bounds(ranks, T.shape)
    reverse = is_numpy(xp) and T.flags.f_contiguous and not T.flags.c_contiguous
    if reverse:
        T = T.T
        bounds = None if bounds is None else bounds[::-1]
    size = norm(T)
    if not math.isfinite(size):
        require_finite("T", T)
    unit = 1.0
    if size and _extreme(size, T):
        unit = power_of_two(T)
        T = T / unit
        size = norm(T)
    return DenseTensor(T, unit, size, tol, bounds, reverse)


def _extreme(size: float, T: Any) -> bool:
    least = float(namespace(T).finfo(T.dtype).smallest_normal) ** 0.25
    return not least < size < 1 / least
