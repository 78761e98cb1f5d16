"""The way to condition that the data and the kernels call for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.solvers.gp._complete import Complete
from structlin.solvers.gp._conditioning import Conditioning, Term
from structlin.solvers.gp._factors import Known
from structlin.solvers.gp._incomplete import incomplete
from structlin.solvers.gp._sums import sum_of_products

_room = 1e5
"""How far variances stay from the ends of the range of numbers: for sums along the axes, and for
noise that is smaller."""


def condition(
    grid: Grid,
    terms: Sequence[Term],
    values: Any,
    noise: Any,
    mask: Any,
    *,
    seed: int,
    known: Known | None = None,
) -> Conditioning:
    """Condition a Gaussian process on values at the points of a grid.

    Parameters
    ----------
    grid, terms, values
        As for `Conditioning`.
    noise : float or (n_1, …, n_d) array
    mask : (n_1, …, n_d) array of bool or None
        True where there is a value; None if there is one everywhere.
    seed : int
        Of what has to be estimated.
    known : mapping, optional
        Eigendecompositions of axes of products that are known already.

    Raises
    ------
    ValueError
        If the variance of a product of kernels leaves the range of the precision of the values.
    """
    for term in terms:
        _require_range(term, grid.xp.finfo(values.dtype))
    if mask is not None or not isinstance(noise, float):
        return incomplete(grid, terms, values, noise, mask, rng=seed, known=known)
    if len(terms) > 1:
        return sum_of_products(grid, terms, values, noise, rng=seed, known=known)
    return Complete(grid, terms[0], values, noise, known=known)


def _require_range(term: Term, finfo: Any) -> None:
    """Raise unless the variance of a product of kernels is a number in the range of the values."""
    variances = [float(kernel.variances(np.zeros(1))[0]) for kernel in term]
    double = np.finfo(np.float64)  # matrices of single axes are always in it
    for variance, info in (*((one, double) for one in variances), (math.prod(variances), finfo)):
        least, most = _room * float(info.smallest_normal), float(info.max) / _room
        if not least <= variance <= most:
            told = " · ".join(f"{one:.1e}" for one in variances)
            raise ValueError(
                f"the variances of the kernels multiply to {told}, and {variance:.1e} leaves the "
                f"range from {least:.0e} to {most:.0e}: take other variances, or other units of Y"
            )
