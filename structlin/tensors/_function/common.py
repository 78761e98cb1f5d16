"""Functions that live on one box, in the same bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from structlin._backend import namespace
from structlin.bases import Fourier
from structlin.tensors._function.representation import Representation

F = TypeVar("F", bound=Representation)


def on_one_box(functions: Sequence[F]) -> list[F]:
    """Return the functions in common bases.

    Raises
    ------
    TypeError
        If one of them is no function of several variables.
    ValueError
        If they live on different boxes.
    """
    first = functions[0]
    for f in functions:
        if not isinstance(f, Representation):
            raise TypeError(f"{type(f).__name__} is not a function of several variables")
        if f.domain != first.domain:
            raise ValueError(
                f"the functions live on {_box(first)} and {_box(f)}: they need the same box"
            )
    namespace(*(f.factors[0] for f in functions))
    mixed = [
        axis for axis in range(first.ndim) if len({type(f.bases[axis]) for f in functions}) > 1
    ]
    return [_as_chebyshev(f, mixed) for f in functions]


def _as_chebyshev(f: F, axes: Sequence[int]) -> F:
    if not axes:
        return f
    factors, bases = list(f.factors), list(f.bases)
    for axis in axes:
        basis = bases[axis]
        if isinstance(basis, Fourier):
            bases[axis], factors[axis] = basis.as_chebyshev(factors[axis])
    return type(f)(f.core, factors, bases, report=f.report)


def _box(f: Representation) -> str:
    return " x ".join(f"[{low:g}, {high:g}]" for low, high in f.domain)
