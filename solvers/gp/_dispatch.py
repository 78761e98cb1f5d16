"""The way to condition that the data and the kernels call for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.bases import Grid
from structlin.solvers.gp._complete import Complete
from structlin.solvers.gp._conditioning import Conditioning, Term
from structlin.solvers.gp._factors import Known
from structlin.solvers.gp._incomplete import incomplete
from structlin.solvers.gp._sums import sum_of_products


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
    """
    if mask is not None or not isinstance(noise, float):
        return incomplete(grid, terms, values, noise, mask, rng=seed, known=known)
    if len(terms) > 1:
        return sum_of_products(grid, terms, values, noise, rng=seed, known=known)
    return Complete(grid, terms[0], values, noise, known=known)
