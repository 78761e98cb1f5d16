"""Linear differential operators as sums of products of functions of one coordinate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from structlin._backend import namespace, on_host
from structlin._validation import inexact, number_or_array, require_finite
from structlin.bases.grid import Grid

# products of functions of one coordinate that a coefficient may take; chosen by trial: every
# product costs as much as a term of its own
most_products = 12


@dataclass(frozen=True, eq=False)
class Term:
    """``Π_j c_j(x_j) · ∂^orders u``.

    Attributes
    ----------
    orders : tuple of int
        How often the term differentiates along every axis.
    factors : tuple of (n_j,) array or None
        The coefficient on the nodes of every axis; None where it is 1.
    """

    orders: tuple[int, ...]
    factors: tuple[Any, ...]


def separated(grid: Grid, terms: Mapping[Any, Any]) -> tuple[Term, ...]:
    """Return an operator ``Σ c_α(x) ∂^α`` as a sum of separable terms.

    Parameters
    ----------
    grid : Grid
        The nodes.
    terms : mapping
        From multi-index to coefficient: a number, an array of the shape of the grid, a callable of
        the coordinates, or a tuple with a number, vector or callable of one coordinate for every
        axis, whose product is the coefficient.

    Raises
    ------
    ValueError
        If an index does not fit the grid, or a coefficient does not fit or separate.

    Notes
    -----
    Arrays and callables are separated by singular value decompositions, to rounding errors:
    O(n₁ N) at most for N nodes.
    """
    if not isinstance(terms, Mapping) or not terms:
        raise ValueError(
            "terms is empty or no mapping: pass {(2, 0): 1.0, (0, 2): 1.0} or the like"
        )
    made: list[Term] = []
    for index, coefficient in terms.items():
        orders = _orders(index, grid.ndim)
        made.extend(Term(orders, factors) for factors in _products(grid, orders, coefficient))
    if not made:
        raise ValueError("every coefficient of terms is zero: there is no equation")
    return tuple(made)


def separate(
    field: Any, tolerance: float | None = None, most: int = most_products, name: str = "the field"
) -> list[tuple[Any, ...]]:
    """Return vectors whose sum of outer products is an array, up to a relative tolerance.

    Parameters
    ----------
    field : (n_1, …, n_d) array
    tolerance : float, optional
        Relative to the largest singular value; rounding errors by default.
    most : int
        How many products there may be.
    name : str
        What the error calls the array.

    Raises
    ------
    ValueError
        If more products are needed.
    """
    xp = namespace(field)
    if tolerance is None:
        tolerance = 4 * max(field.shape) * float(xp.finfo(field.dtype).eps)
    made = list(_separate(xp, field, tolerance, most))
    if len(made) > most:
        raise ValueError(
            f"{name} takes more than {most} products of functions of one coordinate to a relative "
            f"{tolerance:.1g}: pass a coefficient that is smooth, or a sum of few products"
        )
    return made


def _separate(xp: Any, field: Any, tolerance: float, most: int) -> list[tuple[Any, ...]]:
    if field.ndim == 1:
        return [(field,)]
    rest = field.shape[1:]
    U, s, Vh = xp.linalg.svd(xp.reshape(field, (field.shape[0], -1)), full_matrices=False)
    sizes = on_host(s)
    made: list[tuple[Any, ...]] = []
    for k, size in enumerate(sizes):
        if not size > tolerance * sizes[0] or len(made) > most:
            break
        inner = xp.reshape(Vh[k, :], rest)
        loose = min(tolerance * float(sizes[0] / size), 0.5)
        for vectors in _separate(xp, inner, loose, most):
            made.append((float(size) * U[:, k], *vectors))
    return made


def _orders(index: Any, ndim: int) -> tuple[int, ...]:
    orders = tuple(index) if isinstance(index, tuple | list) else (index,)
    whole = all(isinstance(k, Integral) and not isinstance(k, bool) and int(k) >= 0 for k in orders)
    if len(orders) != ndim or not whole:
        raise ValueError(
            f"terms has the index {index!r}: a grid of {ndim} axes takes {ndim} orders of "
            "derivatives, integers >= 0"
        )
    return tuple(int(k) for k in orders)


def _products(grid: Grid, orders: tuple[int, ...], coefficient: Any) -> list[tuple[Any, ...]]:
    """Return the factors of a coefficient, one tuple per product."""
    xp, name = grid.xp, f"the coefficient of {orders}"
    if isinstance(coefficient, tuple):
        if len(coefficient) != grid.ndim:
            raise ValueError(
                f"{name} has {len(coefficient)} factors and the grid {grid.ndim} axes: pass one "
                "number, vector or callable per axis"
            )
        return [tuple(_vector(grid, axis, factor, name) for axis, factor in enumerate(coefficient))]
    if isinstance(coefficient, int | float):
        if not math.isfinite(coefficient):
            raise ValueError(f"{name} is {coefficient}: it must be finite")
        if coefficient == 0:
            return []
        # on an axis along which the term acts, that terms of one coordinate stay such
        acting = next((axis for axis, order in enumerate(orders) if order), 0)
        scale = None if coefficient == 1 else _filled(grid, acting, float(coefficient))
        return [tuple(scale if axis == acting else None for axis in range(grid.ndim))]
    field = grid.evaluate(coefficient, name)
    if xp.isdtype(field.dtype, "complex floating"):
        raise TypeError(f"{name} is complex: coefficients are real")
    field = xp.astype(field, grid.dtype)
    require_finite(name, field)
    first = float(field[(0,) * grid.ndim])
    if bool(xp.all(field == first)):
        return _products(grid, orders, first)
    return separate(field, name=name)


def _vector(grid: Grid, axis: int, factor: Any, name: str) -> Any:
    x = grid.axes[axis]
    name = f"{name} on axis {axis}"
    made = factor(x) if callable(factor) else factor
    made = number_or_array(name, made, "a number, a vector or a callable")
    if not isinstance(made, int | float | complex):
        made = inexact(made, grid.xp)
        if grid.xp.isdtype(made.dtype, "complex floating"):
            raise TypeError(f"{name} is complex: coefficients are real")
        require_finite(name, made)
        made = float(made) if made.ndim == 0 else made
    if isinstance(made, complex):
        raise TypeError(f"{name} is complex: coefficients are real")
    if isinstance(made, int | float):
        if not math.isfinite(made):
            raise ValueError(f"{name} is {made}: it must be finite")
        return None if made == 1 else _filled(grid, axis, float(made))
    if tuple(made.shape) != tuple(x.shape):
        raise ValueError(
            f"{name} has shape {tuple(made.shape)}: its {x.shape[0]} nodes take a vector of that "
            "length"
        )
    namespace(made, x)
    return grid.xp.astype(made, grid.dtype)


def _filled(grid: Grid, axis: int, value: float) -> Any:
    return grid.xp.full((grid.shape[axis],), value, dtype=grid.dtype, device=grid.device)
