"""The box on which a function lives: a basis for every axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.bases import Basis, Chebyshev


def bases_of(domain: Any, ndim: int | None = None) -> tuple[Basis, ...]:
    """Return the basis of every axis.

    Parameters
    ----------
    domain : sequence of intervals, (d, 2) array, or None
        An interval is a pair of numbers, for Chebyshev polynomials, or a basis, such as
        ``Fourier(0, 1)`` for functions of period 1. None is ``[−1, 1]`` for every axis.
    ndim : int, optional
        How many axes there must be.

    Raises
    ------
    ValueError
        If an interval is empty, reversed or not finite, or there are too many or too few.
    """
    if domain is None:
        if ndim is None:
            raise ValueError("domain is None: pass an interval for every axis")
        domain = [Chebyshev()] * ndim
    try:
        if hasattr(domain, "ndim"):
            if domain.ndim != 2 or domain.shape[1] != 2:
                raise ValueError(
                    f"domain has shape {tuple(domain.shape)}: (d, 2) is needed, the ends of an "
                    "interval in every row"
                )
            domain = [(domain[axis, 0], domain[axis, 1]) for axis in range(domain.shape[0])]
        intervals: Sequence[Any] = [domain[axis] for axis in range(len(domain))]
    except (TypeError, KeyError):
        raise TypeError(f"domain is {domain!r}: pass a list of intervals (low, high)") from None
    bases = tuple(_basis_of(interval, axis) for axis, interval in enumerate(intervals))
    if not bases or (ndim is not None and len(bases) != ndim):
        wanted = f"there are {ndim} axes" if ndim else "at least one is needed"
        raise ValueError(f"domain has {len(bases)} intervals: {wanted}")
    return bases


def slack(basis: Basis, eps: float) -> float:
    """Return how far outside of its interval rounding errors may put a point."""
    return 8 * eps * max(abs(basis.low), abs(basis.high))


def _basis_of(interval: Any, axis: int) -> Basis:
    if isinstance(interval, Basis):
        return interval
    try:
        low, high = (interval[k] for k in range(len(interval)))
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        raise TypeError(
            f"interval {axis} of domain is {interval!r}: domain is a list with a pair (low, high) "
            "for every variable, or a basis such as structlin.bases.Fourier(low, high)"
        ) from None
    try:
        return Chebyshev(low, high)
    except ValueError as error:
        raise ValueError(f"axis {axis} of domain: {error}") from None
