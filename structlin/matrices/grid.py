"""The grid operator: nearest-neighbour differences on a box, known by the weights of its faces."""

from __future__ import annotations

import functools
import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from structlin._backend import kernel, namespace, scipy_of
from structlin._kernels import stencil
from structlin._kernels.stencil import along
from structlin._validation import common_type, inexact, require_finite
from structlin.matrices._base import LinearOperator
from structlin.matrices.sparse import Sparse

_kinds = ("dirichlet", "neumann", "periodic")


class GridOperator(LinearOperator):
    """A diffusion stencil on a box of 1 to 3 dimensions, which stores no matrix.

    Parameters
    ----------
    grid : tuple of int
        Points per axis.
    weights : float, array, or sequence of one of these per axis
        Weight ``w_f`` of every face between neighbours: a number, or an array that broadcasts
        against the faces of its axis, of which there is one more than there are points (face
        ``i`` lies below point ``i``; the first and the last one belong to the sides).
    shift : float or array, default 0
        What is added to the diagonal; an array broadcasts against the grid.
    sides : str or sequence, default "dirichlet"
        ``"dirichlet"`` (the value beyond the side is zero), ``"neumann"`` (nothing flows through
        it) or ``"periodic"``: one for all, or a list with a name or a pair (low, high) for each
        axis, such as ``["periodic", ("dirichlet", "neumann")]``.
    dtype : data type, optional
        By default that of the arrays given, of ``like``, or float64.
    like : array, optional
        Gives the array library, the device and the data type where numbers do not.

    Attributes
    ----------
    grid : tuple of int
        Points per axis.
    weights : tuple of array
        Per axis, broadcasting against its faces; of size 1 where all faces agree.
    coefficients : array
        The diagonal, broadcasting against the grid.
    periodic : tuple of bool
        Whether an axis closes on itself.

    Raises
    ------
    ValueError
        If shapes disagree, a side is unknown, or an entry is NaN or Inf.

    Notes
    -----
    ``(A u)_i = s_i u_i + Σ_f w_f (u_i − u_f)`` over the faces ``f`` of point ``i``, where ``u_f``
    is the neighbour across the face. The vector ``u`` is the grid function in C order:
    ``U[i, j, k]`` at ``(x_i, y_j, z_k)`` is entry ``(i n₁ + j) n₂ + k``. A product costs
    ``4 d n`` operations for ``n`` points in ``d`` dimensions. Positive weights and shifts make
    the operator symmetric positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> A = GridOperator.laplacian((3,))
    >>> A
    <GridOperator 3x3 float64 = 3 points, dirichlet>
    >>> A @ np.array([1.0, 2.0, 4.0])
    array([ 0., -1.,  6.])
    """

    def __init__(
        self,
        grid: Sequence[int],
        weights: Any = 1.0,
        shift: Any = 0.0,
        *,
        sides: Any = "dirichlet",
        dtype: Any = None,
        like: Any = None,
    ) -> None:
        shift = _number(shift)
        grid = _sizes(grid)
        d = len(grid)
        per_axis = _per_axis("weights", weights, d)
        named = _sides(sides, d)
        entries = (*per_axis, shift)
        owners = tuple(x for x in (*entries, like) if hasattr(x, "shape"))
        n = math.prod(grid)
        super().__init__((n, n), _dtype(entries, dtype, owners), like=owners or None)
        self.grid = grid
        self.periodic = tuple(
            pair == ("periodic", "periodic") and size > 1
            for pair, size in zip(named, grid, strict=True)
        )
        self.sides = named
        self.weights = tuple(
            self._weight(axis, weight, named[axis]) for axis, weight in enumerate(per_axis)
        )
        self.shift = self._box("shift", shift, grid)
        require_finite("the diagonal", self.coefficients)

    @classmethod
    def laplacian(
        cls,
        shape: Sequence[int],
        shift: Any = 0.0,
        *,
        weights: Any = 1.0,
        sides: Any = "dirichlet",
        dtype: Any = None,
        like: Any = None,
    ) -> GridOperator:
        """Return the unscaled Laplacian: 4 and −1 in two dimensions, 6 and −1 in three.

        Parameters
        ----------
        shape : tuple of int
            Points per axis.
        shift : float or array, default 0
            What is added to the diagonal.
        weights : float or sequence of float, default 1
            Factor of the differences, for all axes or per axis: ``1 / h²`` scales to a mesh
            width ``h``.
        sides, dtype, like
            As in `GridOperator`.

        Returns
        -------
        GridOperator
            Of ``prod(shape)`` rows and columns.

        Examples
        --------
        >>> GridOperator.laplacian((10, 10), shift=0.5).coefficients.item()
        4.5
        """
        return cls(shape, weights, shift, sides=sides, dtype=dtype, like=like)

    @classmethod
    def diffusion(
        cls, coefficient: Any, shift: Any = 0.0, *, sides: Any = "dirichlet", weights: Any = 1.0
    ) -> GridOperator:
        """Return the stencil of ``−∇·(κ ∇u)`` for a coefficient given at the points.

        Parameters
        ----------
        coefficient : (n₀, …) array
            Values of ``κ`` at the points of the grid; positive for a definite operator.
        shift, sides
            As in `GridOperator`.
        weights : float or sequence of float, default 1
            Factor of the differences, for all axes or per axis, such as ``1 / h²``.

        Returns
        -------
        GridOperator
            Its faces carry the harmonic mean of the two coefficients beside them, and those of
            the sides the coefficient of the point within.

        Raises
        ------
        ValueError
            If a coefficient is zero or negative, NaN or Inf.

        Examples
        --------
        >>> import numpy as np
        >>> GridOperator.diffusion(np.array([1.0, 3.0])).todense()
        array([[ 2.5, -1.5],
               [-1.5,  4.5]])
        """
        xp = namespace(coefficient)
        if not 1 <= coefficient.ndim <= 3:
            raise ValueError(
                f"coefficient has shape {coefficient.shape}: it needs an axis per axis of the grid"
            )
        coefficient = inexact(coefficient, xp)
        if xp.isdtype(coefficient.dtype, "complex floating"):
            raise TypeError("coefficient is complex: the stencil of a diffusion needs real numbers")
        require_finite("coefficient", coefficient)
        if bool(xp.any(coefficient <= 0)):
            raise ValueError(
                "coefficient has entries that are not positive: the stencil of a "
                "diffusion needs positive ones"
            )
        if 0 in coefficient.shape:
            return cls(coefficient.shape, 1.0, shift, sides=sides, like=coefficient)
        d = coefficient.ndim
        factors = _per_axis("weights", weights, d)
        faces = []
        for axis, (factor, pair) in enumerate(zip(factors, _sides(sides, d), strict=True)):
            low = along(coefficient, axis, None, 1)
            high = along(coefficient, axis, -1, None)
            if pair == ("periodic", "periodic"):
                low = high = _harmonic_mean(low, high)
            below = along(coefficient, axis, None, -1)
            mean = _harmonic_mean(below, along(coefficient, axis, 1, None))
            faces.append(factor * xp.concat((low, mean, high), axis=axis))
        return cls(coefficient.shape, tuple(faces), shift, sides=sides)

    def _weight(self, axis: int, weight: Any, sides: tuple[str, str]) -> Any:
        xp = self.xp
        size = self.grid[axis]
        faces = [*self.grid]
        faces[axis] += 1
        weight = self._box(f"weights[{axis}]", weight, tuple(faces))
        if self.periodic[axis] and weight.shape[axis] > 1:
            first, last = (
                along(weight, axis, None, 1),
                along(weight, axis, -1, None),
            )
            if not bool(xp.all(first == last)):
                raise ValueError(
                    f"weights[{axis}] differ on the first and the last face: on a periodic axis "
                    "these are one face"
                )
        closed = [side == "neumann" for side in sides]
        if sides == ("periodic", "periodic") and size == 1:
            closed = [True, True]  # the only point is its own neighbour
        if any(closed):
            open_faces = xp.ones(size + 1, dtype=self.dtype, device=self.device)
            if closed[0]:
                open_faces[0] = 0
            if closed[1]:
                open_faces[-1] = 0
            shape = [1] * len(self.grid)
            shape[axis] = size + 1
            weight = weight * xp.reshape(open_faces, tuple(shape))
        return weight

    def _box(self, name: str, x: Any, full: tuple[int, ...]) -> Any:
        """Return ``x`` as an array of one axis per grid axis that broadcasts against ``full``."""
        xp = self.xp
        if hasattr(x, "shape"):
            x = self._entries(name, inexact(x, xp))
        else:
            if not isinstance(x, numbers.Complex):
                raise TypeError(f"{name} is {x!r}: it must be a number or an array")
            if isinstance(x, complex) and not self.is_complex:
                raise ValueError(f"{name} is {x}, complex, but the data type asked for is not")
            try:
                size = abs(complex(x))
            except OverflowError:
                size = math.inf
            limits = xp.finfo(self.dtype)
            if not size <= float(limits.max):
                raise ValueError(f"{name} is {x}: it must be finite in {self.dtype}")
            given, x = x, xp.asarray(x, dtype=self.dtype, device=self.device)
            if size > 0 and bool(x == 0):
                raise ValueError(f"{name} is {given}, which vanishes in {self.dtype}: scale it")
        x = xp.reshape(x, (1,) * (len(full) - x.ndim) + tuple(x.shape))
        if x.ndim != len(full) or any(a not in (1, b) for a, b in zip(x.shape, full, strict=True)):
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, which does not broadcast against {full}"
            )
        return x

    def _entries(self, name: str, given: Any) -> Any:
        """Return a copy of the user's array in the operator's data type, checked."""
        xp = self.xp
        require_finite(name, given)
        if xp.isdtype(given.dtype, "complex floating") and not self.is_complex:
            raise ValueError(f"{name} is complex, but the data type asked for is {self.dtype}")
        with np.errstate(over="ignore"):
            x = xp.astype(given, self.dtype)
        if given.dtype != x.dtype:
            require_finite(f"{name} in {self.dtype}", x)
            if bool(xp.any((x == 0) & (given != 0))):
                raise ValueError(f"{name} has an entry that vanishes in {self.dtype}: scale it")
        return x

    @functools.cached_property
    def coefficients(self) -> Any:
        """The diagonal, as an array that broadcasts against the grid."""
        total = self.shift
        with np.errstate(over="ignore"):  # the constructor refuses what overflows
            for axis, weight in enumerate(self.weights):
                below, above = stencil.faces(weight, axis)
                total = total + below + above
        return total

    @property
    def stencil(self) -> tuple[Any, tuple[Any, ...], tuple[bool, ...]]:
        """Diagonal, weights and periodic flags, as the kernels take them."""
        return self.coefficients, self.weights, self.periodic

    def tosparse(self) -> Any:
        """Return the matrix in CSR form, as SciPy (or CuPy) knows it.

        Returns
        -------
        (n, n) sparse array
            With at most ``2 d + 1`` entries a row.

        Raises
        ------
        TypeError
            In an array library that has no sparse matrices.

        Examples
        --------
        >>> GridOperator.laplacian((3,)).tosparse().toarray()
        array([[ 2., -1.,  0.],
               [-1.,  2., -1.],
               [ 0., -1.,  2.]])
        """
        xp, sparse = self.xp, scipy_of(self.xp, "sparse")
        n = self.shape[0]
        self._require_formable(n)
        index = xp.reshape(xp.arange(n, device=self.device), self.grid)
        rows, columns, values = [index], [index], [xp.broadcast_to(self.coefficients, self.grid)]
        for axis, weight in enumerate(self.weights):
            faces = [*self.grid]
            faces[axis] += 1
            full = xp.broadcast_to(weight, tuple(faces))
            pairs = [(along(index, axis, None, -1), along(index, axis, 1, None), (1, -1))]
            if self.periodic[axis]:
                pairs.append((along(index, axis, -1, None), along(index, axis, None, 1), (0, 1)))
            for low, high, part in pairs:
                rows += [low, high]
                columns += [high, low]
                values += 2 * [-along(full, axis, *part)]
        i, j, v = (xp.concat([xp.reshape(x, (-1,)) for x in p]) for p in (rows, columns, values))
        # CuPy has no sparse arrays, only matrices
        made = getattr(sparse, "coo_array", None) or sparse.coo_matrix
        return made((v, (i, j)), shape=self.shape).tocsr()

    @functools.cached_property
    def sparse(self) -> Sparse:
        """The matrix as a `Sparse` operator, which keeps its factorisation."""
        return Sparse(self.tosparse())

    def reversed(self) -> GridOperator:
        """Return the operator on the grid with all axes reversed, ``P A P`` for the reversal P."""
        flip = self.xp.flip
        return GridOperator(
            self.grid,
            tuple(flip(w) for w in self.weights),
            flip(self.shift),
            sides=tuple((high, low) for low, high in self.sides),
            dtype=self.dtype,
            like=self.weights[0],
        )

    def _matmat(self, X: Any) -> Any:
        xp = self.xp
        product = kernel(xp, stencil.product)
        if X.shape[1] == 1:
            return xp.reshape(product(xp.reshape(X, self.grid), *self.stencil), X.shape)
        batch = xp.reshape(X, (*self.grid, X.shape[1]))
        return xp.reshape(product(batch, *self.stencil), X.shape)

    def _rmatmat(self, X: Any) -> Any:
        if not self.is_complex:
            return self._matmat(X)
        return self.xp.conj(self._matmat(self.xp.conj(X)))

    def _formula(self) -> str:
        sides = {side for pair in self.sides for side in pair}
        said = sides.pop() if len(sides) == 1 else ", ".join("/".join(p) for p in self.sides)
        return f"{'x'.join(map(str, self.grid))} points, {said}"


def _harmonic_mean(a: Any, b: Any) -> Any:
    """Return ``2ab/(a + b)`` of positive arrays, with no product that could leave the range."""
    xp = namespace(a, b)
    low, high = xp.minimum(a, b), xp.maximum(a, b)
    return low * (2 / (1 + low / high))


def _sizes(grid: Any) -> tuple[int, ...]:
    if isinstance(grid, str) or not isinstance(grid, Iterable):
        raise TypeError(f"grid is {grid!r}: pass a tuple of the points per axis, such as (10, 10)")
    try:
        sizes = tuple(operator.index(size) for size in grid)
    except TypeError:
        raise TypeError(f"grid is {tuple(grid)!r}: points per axis are integers") from None
    if not 1 <= len(sizes) <= 3:
        raise ValueError(f"grid {sizes} has {len(sizes)} axes: 1 to 3 are possible")
    if min(sizes) < 0:
        raise ValueError(f"grid {sizes} has a negative number of points")
    return sizes


def _per_axis(name: str, values: Any, d: int) -> tuple[Any, ...]:
    """Return one entry for each axis, NumPy's scalars as Python's: these take no array's side."""
    entries = tuple(values) if isinstance(values, (tuple, list)) else (values,) * d
    if len(entries) != d:
        raise ValueError(
            f"{len(entries)} {name} were given for a grid of {d} axes: one for each axis, or one "
            "for all; two sides of an axis are a pair within the list"
            if name == "sides"
            else f"{len(entries)} {name} were given for a grid of {d} axes"
        )
    return tuple(_number(x) for x in entries)


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _dtype(entries: tuple[Any, ...], dtype: Any, owners: tuple[Any, ...]) -> Any:
    """Return the data type that the arrays ask for; complex numbers change its kind only."""
    if dtype is not None:
        return dtype
    imaginary = any(isinstance(x, complex) for x in entries)
    if not owners:
        return np.complex128 if imaginary else np.float64
    xp = namespace(*owners)
    kind = common_type(xp, *(x.dtype for x in owners))
    if imaginary:
        kind = xp.result_type(kind, xp.complex64)
    return kind


def _sides(sides: Any, d: int) -> tuple[tuple[str, str], ...]:
    """Return a pair (low, high) of side conditions for each axis."""
    if not isinstance(sides, (str, tuple, list)):
        raise TypeError(f"sides is {sides!r}: pass a name, or one name or pair of names per axis")
    per_axis = _per_axis("sides", sides, d)
    pairs = tuple((s, s) if isinstance(s, str) else s for s in per_axis)
    for pair in pairs:
        known = isinstance(pair, (tuple, list)) and all(side in _kinds for side in pair)
        if not known or len(pair) != 2:
            raise ValueError(f"sides {pair} are unknown: use two of {', '.join(_kinds)}")
        if pair.count("periodic") == 1:
            raise ValueError(f"sides {pair}: an axis is periodic on both sides or on neither")
    return tuple((low, high) for low, high in pairs)
