"""What a function of several variables is made of: core, coefficients, box, and its report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Self

import numpy as np

from structlin._backend import is_numpy, type_name
from structlin._norm import column_norms
from structlin.bases import Basis
from structlin.matrices._base import size_text
from structlin.tensors import _core
from structlin.tensors._axes import axis_number, axis_numbers
from structlin.tensors._domain import bases_of
from structlin.tensors._report import Construction
from structlin.tensors.tensor_train import TensorTrain
from structlin.tensors.tucker import Tucker


class Representation:
    """The data of a function, and how others are made of it."""

    def __init__(
        self,
        core: Any,
        factors: Sequence[Any],
        domain: Any = None,
        *,
        report: Construction | None = None,
    ) -> None:
        if callable(core):
            raise TypeError(
                f"core is {type(core).__name__}: ChebTucker takes coefficients; chebtucker(f, "
                "domain) makes them from a function"
            )
        self.coefficients = Tucker(core, factors)
        self.bases: tuple[Basis, ...] = bases_of(domain, self.coefficients.ndim)
        eps = float(self.xp.finfo(self.dtype).eps)
        self.report = report or Construction(method="given coefficients", tol=8 * eps)

    @property
    def core(self) -> Any:
        """The core, an array of the shape of the ranks or a `TensorTrain`."""
        return self.coefficients.core

    @property
    def factors(self) -> tuple[Any, ...]:
        """A matrix of coefficients for every axis, a column for every rank."""
        return self.coefficients.factors

    @property
    def domain(self) -> list[tuple[float, float]]:
        """The interval of every axis."""
        return [basis.interval for basis in self.bases]

    @property
    def ndim(self) -> int:
        """The number of variables."""
        return self.coefficients.ndim

    @property
    def ranks(self) -> tuple[int, ...]:
        """The size of the core along every axis."""
        return self.coefficients.ranks

    @property
    def degrees(self) -> tuple[int, ...]:
        """The polynomial degree of every axis, or twice the highest frequency."""
        return tuple(n - 1 for n in self.coefficients.shape)

    @property
    def dtype(self) -> Any:
        """The data type of the coefficients."""
        return self.coefficients.dtype

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return self.coefficients.xp

    @property
    def device(self) -> Any:
        """Where the coefficients live."""
        return self.coefficients.device

    @property
    def evaluations(self) -> int:
        """How many values the construction used."""
        return self.report.evaluations

    @property
    def error_estimate(self) -> float:
        """The largest error seen at test points, relative to the largest value."""
        return self.report.error_estimate

    @property
    def converged(self) -> bool:
        """Whether the tolerance was reached, as far as the error estimate tells."""
        return self.report.converged

    def __repr__(self) -> str:
        box = " x ".join(
            f"[{basis.low:g}, {basis.high:g}]" + (" periodic" if basis.periodic else "")
            for basis in self.bases
        )
        dtype, ranks, degrees = type_name(self.dtype), *map(size_text, (self.ranks, self.degrees))
        flags = ", tensor-train core" if isinstance(self.core, TensorTrain) else ""
        flags += "" if self.converged else ", NOT converged"
        return f"<{type(self).__name__} on {box}, {dtype}, ranks {ranks}, degrees {degrees}{flags}>"

    def _new(
        self,
        core: Any,
        factors: Sequence[Any],
        bases: Sequence[Basis] | None = None,
        *,
        method: str,
        others: Sequence[Representation] = (),
        tol: float | None = None,
    ) -> Self:
        """Return what was made of this function and others, with a report that says so.

        The tolerance is by default the largest of theirs.
        """
        parents: list[Representation] = [self, *others]
        report = Construction(
            method=method,
            tol=max(parent.report.tol for parent in parents) if tol is None else tol,
            converged=all(parent.converged for parent in parents),
        )
        return type(self)(core, factors, self.bases if bases is None else bases, report=report)

    def _compressed(self, error: float = 0.0, loss: float = 0.1) -> Self:
        """Return the function with the ranks and degrees that its tolerance needs.

        ``error`` is what the coefficients have in the Frobenius norm from those of which they were
        made: where these have cancelled it is larger than the tolerance, which becomes as large.
        ``loss`` is the part of the tolerance that may be lost here; no less than rounding errors.

        Raises
        ------
        OverflowError
            If the function is too large for its data type.
        """
        xp, d = self.xp, self.ndim
        tensor = self.coefficients.orthogonalize()
        norm = _core.norm(tensor.core)
        if not (math.isfinite(norm) and math.isfinite(error)):
            raise OverflowError(
                f"the function is too large for {self.dtype}, or has a NaN: scale it first"
            )
        tol = max(self.report.tol, error / norm) if norm > 0 else math.inf
        if tol >= 1:  # nothing but rounding errors
            like: dict[str, Any] = {"dtype": self.dtype, "device": self.device}
            factors = [xp.ones((1, 1), **like)] * d
            return type(self)(xp.zeros((1,) * d, **like), factors, self.bases, report=self.report)
        # rounding errors are those of the numbers before they have cancelled
        rounding = 8 * float(xp.finfo(self.dtype).eps) * tol / self.report.tol
        least = max(loss * tol, rounding)
        core, small = _core.truncated(tensor.core, least)
        factors = [xp.matmul(Q, U) for Q, U in zip(tensor.factors, small, strict=True)]
        for axis, basis in enumerate(self.bases):
            sizes = _core.slice_norms(core, axis, factors[axis])
            sizes = basis.sizes(sizes[:, None]) / norm
            tails = np.sqrt(np.cumsum(sizes[::-1] ** 2)[::-1])
            kept = max(int(np.sum(tails > least / math.sqrt(d))), 1)
            n = min(basis.length(kept), factors[axis].shape[0])
            factors[axis] = factors[axis][:n, :]
        report = replace(self.report, tol=tol)
        core = _core.simplified(core, least)
        return type(self)(core, factors, self.bases, report=report)

    def _size(self) -> float:
        """Return the Frobenius norm of the coefficients, or what rounding errors make of it.

        Where sums over the core cancel, errors of ``4 eps ‖core‖ ‖U₁‖₂ ‖U₂‖₂ …`` are in units of
        the tolerance more than the norm; the core then has the norms of all columns.
        """
        xp, tensor = self.xp, self.coefficients
        if 0 in self.ranks or 0 in tensor.shape:
            return 0.0
        bound, units = 1.0, []
        for U in self.factors:
            norms = column_norms(U)
            norms = xp.where(norms > 0, norms, xp.ones_like(norms))
            bound *= float(xp.linalg.svdvals(U / norms)[0])
            units.append(xp.eye(U.shape[1], dtype=norms.dtype, device=self.device) * norms)
        bound *= _core.norm(_core.mode_products(self.core, units))
        rounding = 4 * float(xp.finfo(self.dtype).eps) / self.report.tol
        return max(tensor.norm(), rounding * bound)

    def _contracted(self, vectors: Mapping[int, Any], method: str) -> Any:
        """Return the function of the other variables, or a scalar if there are none.

        ``vectors`` hold, for an axis, what becomes of every one of its functions.
        """
        if len(vectors) == self.ndim:
            rows = [vectors[axis][None, :] for axis in range(self.ndim)]
            value = _core.entries(self.core, rows)[0]
            return value[()] if is_numpy(self.xp) else value
        core = self.core
        for axis in sorted(vectors, reverse=True):
            core = _core.contracted(core, axis, vectors[axis])
        left = [axis for axis in range(self.ndim) if axis not in vectors]
        factors = [self.factors[axis] for axis in left]
        bases = [self.bases[axis] for axis in left]
        return self._new(core, factors, bases, method=method)._compressed()

    def _axis(self, axis: int) -> int:
        """Return the number of an axis, checked; negative ones count from the end."""
        return axis_number(axis, self.ndim, "the function")

    def _axes(self, axis: int | Sequence[int] | None) -> list[int]:
        """Return the numbers of one axis or several, checked; of all for None."""
        return axis_numbers(axis, self.ndim, "the function")
