"""Tensor grids: a vector of ascending nodes for every axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import first_nonfinite, inexact, number_or_array


class Grid:
    """The points of a box whose coordinates are nodes of the axes, in C order.

    A function on the grid is an array ``U`` of the shape of the grid, with ``U[i, j, k]`` at
    ``(x[i], y[j], z[k])``: what ``np.meshgrid(x, y, z, indexing="ij")`` gives.

    Parameters
    ----------
    *axes : (n_j,) array
        The nodes of every axis, ascending and different; evenly spaced or not.

    Attributes
    ----------
    axes : tuple of (n_j,) array
        The nodes, in the one precision to which all promote; integers become float64.
    shape : tuple of int
        How many nodes every axis has.
    spacings : tuple of float or None
        The spacing of evenly spaced axes; None for the others, and for a single node.

    Raises
    ------
    ValueError
        If there is no axis, or nodes are not finite, not ascending or equal: the message names the
        axis and the places.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid(np.linspace(0.0, 1.0, 5), np.array([0.0, 1.0, 4.0]))
    >>> grid.shape, grid.spacings
    ((5, 3), (0.25, None))
    >>> grid.evaluate(lambda x, y: x + 10 * y)[4, 2]
    np.float64(41.0)
    """

    def __init__(self, *axes: Any) -> None:
        if not axes:
            raise ValueError("a grid needs an axis or more: pass Grid(x) or Grid(x, y)")
        xp = namespace(*axes)
        device(*axes)
        checked = [_checked(axis, x) for axis, x in enumerate(axes)]
        common = xp.result_type(*(x.dtype for x in checked))
        # copies: the caller may write over nodes
        self.axes: tuple[Any, ...] = tuple(xp.astype(x, common, copy=True) for x in checked)
        self.xp = xp
        self.device = device(*axes)
        self.dtype = common
        self.shape: tuple[int, ...] = tuple(int(x.shape[0]) for x in self.axes)
        self.spacings: tuple[float | None, ...] = tuple(_spacing(x) for x in self.axes)

    @classmethod
    def of(cls, grid: Any) -> Grid:
        """Return a grid as it is, and make one of a vector of nodes or a sequence of vectors."""
        if isinstance(grid, Grid):
            return grid
        if isinstance(grid, tuple | list):
            return cls(*grid)
        return cls(grid)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(self.shape)

    @property
    def sides(self) -> tuple[tuple[float, float], ...]:
        """The first and the last node of every axis."""
        return tuple((float(x[0]), float(x[-1])) for x in self.axes)

    def mesh(self) -> tuple[Any, ...]:
        """Return the coordinates, each shaped to broadcast against the others."""
        return tuple(
            self.xp.reshape(x, tuple(-1 if k == axis else 1 for k in range(self.ndim)))
            for axis, x in enumerate(self.axes)
        )

    def evaluate(self, f: Any, name: str = "f") -> Any:
        """Return a function, an array or a number as an array of the shape of the grid.

        Parameters
        ----------
        f : callable, array or number
            A callable gets the coordinates of `mesh`, and may return what broadcasts to the shape.
        name : str
            What errors call it.

        Raises
        ------
        ValueError
            If the shape of an array, or of what the callable returned, does not fit the grid.
        """
        made = f(*self.mesh()) if callable(f) else f
        made = number_or_array(name, made, "a callable, a number, or an array of the grid's shape")
        if isinstance(made, int | float | complex):
            made = self.xp.full(self.shape, made, device=self.device)
        namespace(made, *self.axes)
        shape = tuple(made.shape)
        fits = shape in ((), self.shape) if not callable(f) else _broadcasts(shape, self.shape)
        if not fits:
            got = f"{name} returned shape {shape}" if callable(f) else f"{name} has shape {shape}"
            raise ValueError(
                f"{got} but the grid has {self.shape}: values stand in C order, "
                f"{name}[i, j, …] at the i-th node of the first axis and the j-th of the second"
            )
        return inexact(self.xp.broadcast_to(made, self.shape), self.xp)

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled
        return Grid, self.axes

    def __repr__(self) -> str:
        spans = " × ".join(f"[{low:g}, {high:g}]" for low, high in self.sides)
        return f"<Grid {'x'.join(map(str, self.shape))} on {spans}>"


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    if len(shape) > len(to):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def _checked(axis: int, x: Any) -> Any:
    if not hasattr(x, "ndim") or x.ndim != 1 or x.shape[0] == 0:
        shape = tuple(x.shape) if hasattr(x, "shape") else repr(x)
        raise ValueError(f"axis {axis} of the grid is {shape}: pass a vector of one node or more")
    x = inexact(x)
    xp = namespace(x)
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError(f"the nodes of axis {axis} are complex: coordinates are real")
    place = first_nonfinite(x)
    if place is not None:
        raise ValueError(f"node {place} of axis {axis} is NaN or Inf: nodes must be finite")
    wrong = x[1:] <= x[:-1]
    if bool(xp.any(wrong)):
        i = int(xp.argmax(xp.astype(wrong, xp.int8)))
        a, b = float(x[i]), float(x[i + 1])
        what, cure = ("equal", "merge") if a == b else ("not ascending", "sort")
        raise ValueError(
            f"nodes {i} and {i + 1} of axis {axis} are {what} ({a:g}, {b:g}): {cure} them, and the "
            "values along"
        )
    return x


def _spacing(x: Any) -> float | None:
    """Return the spacing of nodes that are even up to the rounding errors of their coordinates."""
    nodes = on_host(x)
    if len(nodes) < 2:
        return None
    step = float(nodes[-1] - nodes[0]) / (len(nodes) - 1)
    slack = 4 * float(namespace(x).finfo(x.dtype).eps) * max(abs(nodes[0]), abs(nodes[-1]))
    uneven = np.max(np.abs(nodes - (nodes[0] + step * np.arange(len(nodes)))))
    return step if uneven <= slack else None
