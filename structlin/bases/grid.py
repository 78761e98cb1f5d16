"""Tensor grids: a vector of ascending nodes for every axis."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from structlin._backend import device, namespace, on_host
from structlin._validation import called, first_nonfinite, inexact, number_or_array
from structlin.bases._basis import place
from structlin.bases.chebyshev import Chebyshev
from structlin.bases.legendre import legendre_gauss

Kind = Literal["node", "cell", "periodic", "legendre", "chebyshev"]


class Grid:
    """The points of a box whose coordinates are nodes of the axes, in C order.

    A function on the grid is an array ``U`` of the shape of the grid, with ``U[i, j, k]`` at
    ``(x[i], y[j], z[k])``: what ``np.meshgrid(x, y, z, indexing="ij")`` gives. Nodes given by hand
    reach from one end of the box to the other; `uniform`, `cells`, `legendre` and `chebyshev` make
    grids of which solvers know more.

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
    kinds : tuple of str
        For every axis: ``"node"`` (the first and the last node are the ends of the box), ``"cell"``
        (nodes in the middle of cells), ``"periodic"`` (the end of the box is its beginning, and no
        node), ``"legendre"`` (Gauss points, none at the ends) or ``"chebyshev"`` (extrema of the
        polynomial, ends included).
    box : tuple of (low, high)
        The ends of the interval of every axis.
    edges : tuple of (n_j + 1,) array or None
        The ends of the cells, where the kind is ``"cell"``.

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
        self.kinds: tuple[Kind, ...] = _same("node", len(self.axes))
        self.box = self.sides
        self.edges: tuple[Any, ...] = (None,) * len(self.axes)

    def _as(self, kinds: Sequence[Kind], box: Sequence[Any], edges: Sequence[Any] = ()) -> Self:
        """Return the grid, told of what kind its axes are."""
        self.kinds, self.box = tuple(kinds), tuple((float(a), float(b)) for a, b in box)
        self.edges = tuple(edges) or self.edges
        return self

    @classmethod
    def uniform(
        cls,
        box: Sequence[tuple[float, float]],
        shape: int | Sequence[int],
        *,
        kind: Kind | Sequence[Kind] = "node",
        like: Any = None,
    ) -> Grid:
        """Return a grid of evenly spaced nodes.

        Parameters
        ----------
        box : sequence of (low, high)
            The interval of every axis.
        shape : int or sequence of int
            How many nodes: for all axes, or for each.
        kind : {"node", "cell", "periodic"} or sequence of these
            Nodes at both ends, in the middle of equal cells, or at the beginning of equal cells of
            a periodic axis: for all axes, or for each.
        like : array, optional
            Gives the array library, the device, and single precision if that is its own.

        Raises
        ------
        ValueError
            If an interval is empty, there are too few nodes, or a kind is none of these.

        Examples
        --------
        >>> Grid.uniform([(0, 1), (0, 2)], 4, kind=("cell", "periodic")).axes
        (array([0.125, 0.375, 0.625, 0.875]), array([0. , 0.5, 1. , 1.5]))
        """
        kinds = _per_axis("kind", kind, len(box))
        xp, where = place(like)
        axes, edges = [], []
        for axis, (low, high, n) in enumerate(_intervals(box, shape)):
            if kinds[axis] not in ("node", "cell", "periodic"):
                raise ValueError(
                    f"kind of axis {axis} is {kinds[axis]!r}: even nodes are 'node', 'cell' or "
                    "'periodic'; Grid.legendre and Grid.chebyshev make the others"
                )
            if kinds[axis] == "node" and n < 2:
                raise ValueError(f"axis {axis} has {n} nodes: both ends are nodes, pass 2 or more")
            t = np.arange(n) / (n - 1) if kinds[axis] == "node" else np.arange(n) / n
            if kinds[axis] == "cell":
                t = t + 0.5 / n
            axes.append(_array(low * (1 - t) + high * t, xp, where, like))
            ends = np.arange(n + 1) / n
            cells = _array(low * (1 - ends) + high * ends, xp, where, like)
            edges.append(cells if kinds[axis] == "cell" else None)
        return cls(*axes)._as(kinds, box, edges)

    @classmethod
    def cells(cls, *edges: Any) -> Grid:
        """Return the grid of the middles of cells, of which the ends are given for every axis.

        Parameters
        ----------
        *edges : (n_j + 1,) array
            Ascending.

        Examples
        --------
        >>> import numpy as np
        >>> Grid.cells(np.array([0.0, 1.0, 4.0])).axes
        (array([0.5, 2.5]),)
        """
        ends = cls(*edges)
        for axis, n in enumerate(ends.shape):
            if n < 2:
                raise ValueError(f"axis {axis} has {n} edge: a cell has two, pass 2 or more")
        middles = (x[:-1] + (x[1:] - x[:-1]) / 2 for x in ends.axes)
        return cls(*middles)._as(_same("cell", ends.ndim), ends.sides, ends.axes)

    @classmethod
    def legendre(
        cls, box: Sequence[tuple[float, float]], shape: int | Sequence[int], *, like: Any = None
    ) -> Grid:
        """Return a grid of Gauss–Legendre points, for spectral methods: see `uniform`.

        Examples
        --------
        >>> Grid.legendre([(-1, 1)], 2).axes[0] * 3**0.5
        array([-1.,  1.])
        """
        xp, where = place(like)
        axes = [
            _array(legendre_gauss(n, low, high)[0], xp, where, like)
            for low, high, n in _intervals(box, shape)
        ]
        return cls(*axes)._as(_same("legendre", len(axes)), box)

    @classmethod
    def chebyshev(
        cls, box: Sequence[tuple[float, float]], shape: int | Sequence[int], *, like: Any = None
    ) -> Grid:
        """Return a grid of Chebyshev points, ends included, for spectral methods: see `uniform`.

        Examples
        --------
        >>> Grid.chebyshev([(-1, 1)], 3).axes
        (array([-1.,  0.,  1.]),)
        """
        xp, where = place(like)
        axes = [
            _array(np.sort(Chebyshev(low, high).points(n)), xp, where, like)
            for low, high, n in _intervals(box, shape)
        ]
        return cls(*axes)._as(_same("chebyshev", len(axes)), box)

    @classmethod
    def of(cls, grid: Any) -> Grid:
        """Return a grid as it is, and make one of a vector of nodes or a sequence of vectors."""
        if isinstance(grid, Grid):
            return grid
        axes = grid if isinstance(grid, tuple | list) else (grid,)
        if not all(hasattr(x, "ndim") for x in axes):
            raise TypeError(
                f"grid is {grid!r}: pass a Grid, such as Grid.uniform([(0, 1), (0, 1)], (33, 33)), "
                "or the nodes of every axis as arrays"
            )
        if isinstance(grid, tuple | list):
            return cls(*grid)
        return cls(grid)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def names(self) -> tuple[str, ...]:
        """What messages call the coordinates."""
        if self.ndim <= 3:
            return ("x", "y", "z")[: self.ndim]
        return tuple(f"x{axis + 1}" for axis in range(self.ndim))

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

    def weights(self) -> Any:
        """Return the weights of the quadrature at the points, in float64 and the grid's shape.

        Those of the trapezoidal rule for nodes with the ends, lengths of cells, equal ones on
        periodic axes, and the rules of Gauss and of Clenshaw and Curtis. A single node has the
        length of its interval, or 1.

        Examples
        --------
        >>> Grid.uniform([(0, 1)], 3).weights()
        array([0.25, 0.5 , 0.25])
        """
        total = self.xp.ones((1,) * self.ndim, dtype=self.xp.float64, device=self.device)
        for axis in range(self.ndim):
            line = self.xp.asarray(self._line(axis), dtype=self.xp.float64, device=self.device)
            shape = tuple(-1 if k == axis else 1 for k in range(self.ndim))
            total = total * self.xp.reshape(line, shape)
        return total

    def _line(self, axis: int) -> Any:
        """Return the weights along one axis, on the host."""
        n, kind, (low, high) = self.shape[axis], self.kinds[axis], self.box[axis]
        if kind == "cell":
            return np.diff(on_host(self.edges[axis]))
        if kind == "legendre":
            return legendre_gauss(n, low, high)[1]
        if kind == "periodic" or n == 1:
            return np.full(n, (high - low or 1.0) / n)
        if kind == "chebyshev":
            return np.asarray(Chebyshev(low, high).weights(n))
        gaps = np.diff(on_host(self.axes[axis]))
        return (np.append(gaps, 0.0) + np.append(0.0, gaps)) / 2

    def evaluate(self, f: Any, name: str = "f") -> Any:
        """Return a function, an array or a number as an array of the shape of the grid.

        Parameters
        ----------
        f : callable, array or number
            A callable gets all coordinates, those of `mesh`, and may return what broadcasts to the
            shape.
        name : str
            What errors call it.

        Raises
        ------
        ValueError
            If the shape of an array, or of what the callable returned, does not fit the grid.
        TypeError
            If a callable does not take all coordinates.
        """
        named = dict(zip(self.names, self.mesh(), strict=True))
        made = called(name, f, named) if callable(f) else f
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
        if shape != self.shape:  # a broadcast array cannot be written to
            made = self.xp.asarray(self.xp.broadcast_to(made, self.shape), copy=True)
        return inexact(made, self.xp)

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled
        return _rebuilt, (self.axes, self.kinds, self.box, self.edges)

    def __repr__(self) -> str:
        spans = " × ".join(f"[{low:g}, {high:g}]" for low, high in self.box)
        named = "" if set(self.kinds) == {"node"} else f", {' × '.join(self.kinds)}"
        return f"<Grid {'x'.join(map(str, self.shape))} on {spans}{named}>"


def _same(kind: Kind, count: int) -> tuple[Kind, ...]:
    return (kind,) * count


def _rebuilt(axes: Any, kinds: Any, box: Any, edges: Any) -> Grid:
    return Grid(*axes)._as(kinds, box, edges)


def _per_axis(name: str, given: Any, count: int) -> tuple[Any, ...]:
    if isinstance(given, str | numbers.Integral):
        return (given,) * count
    each = tuple(given)
    if len(each) != count:
        raise ValueError(f"{name} has {len(each)} entries but the box has {count} axes")
    return each


def _intervals(box: Any, shape: Any) -> list[tuple[float, float, int]]:
    """Return the ends and the number of nodes of every axis, checked."""
    ends = [tuple(side) for side in box] if np.ndim(box) == 2 else []
    if not ends or any(len(side) != 2 for side in ends):
        raise ValueError(f"box is {box!r}: pass a pair (low, high) for every axis, as [(0, 1)]")
    sizes = _per_axis("shape", shape, len(ends))
    for axis, ((low, high), n) in enumerate(zip(ends, sizes, strict=True)):
        if not (-math.inf < low < high < math.inf):
            raise ValueError(f"axis {axis} of the box is [{low}, {high}]: pass low < high, finite")
        if not isinstance(n, numbers.Integral) or n < 1:
            raise ValueError(f"axis {axis} has {n!r} nodes: pass a whole number of 1 or more")
    return [(float(a), float(b), int(n)) for (a, b), n in zip(ends, sizes, strict=True)]


def _array(nodes: Any, xp: Any, where: Any, like: Any) -> Any:
    single = like is not None and like.dtype in (xp.float32, xp.complex64)
    return xp.asarray(nodes, dtype=xp.float32 if single else xp.float64, device=where)


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
