"""What a function of several variables is made of: core, coefficients, box, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Self

from structlin.bases import Basis
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
        ranks, degrees = ("x".join(map(str, of)) for of in (self.ranks, self.degrees))
        dtype = str(self.dtype).rpartition(".")[2]
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
    ) -> Self:
        """Return what was made of this function and others, with a report that says so."""
        parents: list[Representation] = [self, *others]
        report = Construction(
            method=method,
            tol=max(parent.report.tol for parent in parents),
            converged=all(parent.converged for parent in parents),
        )
        return type(self)(core, factors, self.bases if bases is None else bases, report=report)

    def _compressed(self) -> Self:
        """Return the function with the ranks that its tolerance needs."""
        tensor = self.coefficients.recompress(self.report.tol)
        return type(self)(tensor.core, tensor.factors, self.bases, report=replace(self.report))

    def _axis(self, axis: int) -> int:
        """Return the number of an axis, checked; negative ones count from the end."""
        d = self.ndim
        if not isinstance(axis, int) or not -d <= axis < d:
            raise ValueError(f"axis is {axis!r}: the function has {d} variables, 0 to {d - 1}")
        return axis % d
