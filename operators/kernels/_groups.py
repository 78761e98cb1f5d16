"""Finite groups of symmetries: their tables, and the blocks into which they split kernel matrices.

For a group that acts on inputs and on outputs, data are learned together with all their copies. The
kernel matrix of ``n`` samples and their copies, of ``|G| n`` rows, is not formed: the regular
representation of the group splits it into one block of ``d n`` rows for every irreducible one of
dimension ``d``, which for the eight symmetries of the square are four of ``n`` and one of ``2 n``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np

from structlin._backend import namespace

Map = Callable[[Any], Any]
# rounding errors of maps of the user, and of representations
_close = 1e-8


@dataclass(frozen=True)
class GridMap:
    """An exchange of axes, and reflections behind it, of functions on a grid.

    Parameters
    ----------
    order : tuple of int
        The axis of the argument that every axis of the result was.
    flips : tuple of bool
        Which axes of the result are reflected.
    periodic : tuple of bool
        On which axes the first node is its own image, as the end of the box is no node.
    sign : float
        What values are multiplied by.

    Examples
    --------
    >>> import numpy as np
    >>> GridMap((0,), (True,), (True,))(np.array([[0, 1, 2, 3]]))
    array([[0, 3, 2, 1]])
    """

    order: tuple[int, ...]
    flips: tuple[bool, ...]
    periodic: tuple[bool, ...]
    sign: float = 1.0

    def __call__(self, U: Any) -> Any:
        """Return the images of functions on the grid; leading axes count them."""
        xp = namespace(U)
        lead = U.ndim - len(self.order)
        U = xp.permute_dims(U, (*range(lead), *(lead + axis for axis in self.order)))
        for axis, (flip, periodic) in enumerate(zip(self.flips, self.periodic, strict=True)):
            if flip:
                U = xp.flip(U, axis=lead + axis)
                U = xp.roll(U, 1, axis=lead + axis) if periodic else U
        return U if self.sign == 1.0 else self.sign * U


def reflections(*axes: int, ndim: int, periodic: Sequence[bool] | None = None) -> list[GridMap]:
    """Return the group of reflections along some axes of a grid, for ``symmetry=``.

    Parameters
    ----------
    *axes : int
        Along which axes functions are reflected; all of them if there is none.
    ndim : int
        How many axes the grid has.
    periodic : sequence of bool, optional
        Which axes are periodic without their end being a node; none of them by default.

    Returns
    -------
    list of GridMap
        ``2ᵃ`` maps for ``a`` axes, the identity first.

    Examples
    --------
    >>> len(reflections(0, ndim=2))
    2
    """
    chosen = set(axes or range(ndim))
    around = tuple(periodic) if periodic is not None else (False,) * ndim
    choices = [(False, True) if axis in chosen else (False,) for axis in range(ndim)]
    return [GridMap(tuple(range(ndim)), flips, around) for flips in product(*choices)]


def square(*, ndim: int, periodic: Sequence[bool] | None = None) -> list[GridMap]:
    """Return the group of a square or a cube: reflections and exchanges of axes."""
    around = tuple(periodic) if periodic is not None else (False,) * ndim
    return [
        GridMap(order, flips, around)
        for order in permutations(range(ndim))
        for flips in product((False, True), repeat=ndim)
    ]


def odd(*, ndim: int, periodic: Sequence[bool] | None = None) -> list[GridMap]:
    """Return the group of ``u(x) → −u(−x)``: all axes and the values change their sign."""
    around = tuple(periodic) if periodic is not None else (False,) * ndim
    order = tuple(range(ndim))
    return [
        GridMap(order, (False,) * ndim, around),
        GridMap(order, (True,) * ndim, around, -1.0),
    ]


named = {"reflection": reflections, "square": square, "odd": odd}


@dataclass(frozen=True)
class Irreducible:
    """An irreducible representation of a group, and where it stands in the regular one.

    Attributes
    ----------
    matrices : (|G|, d, d) ndarray
        What the elements are represented by.
    bases : (copies, |G|, d) ndarray
        Orthonormal bases of the invariant subspaces, such that translation by an element is its
        matrix.
    """

    matrices: Any
    bases: Any


class Group:
    """A finite group that acts on inputs and on outputs.

    Parameters
    ----------
    maps : sequence of callables, or of pairs of callables
        What every element does with inputs, and with outputs if that is something else. Maps take
        and return arrays whose first axis counts samples.
    like : array
        Gives the array library.
    shape : tuple of int
        Of an input.

    Raises
    ------
    ValueError
        If the identity or a product of two maps is not among them.
    """

    def __init__(self, maps: Sequence[Any], like: Any, shape: tuple[int, ...]) -> None:
        pairs = [pair if isinstance(pair, tuple | list) else (pair, pair) for pair in maps]
        self.maps = maps
        self.on_inputs: list[Map] = [pair[0] for pair in pairs]
        self.on_outputs: list[Map] = [pair[1] for pair in pairs]
        table = _table(self.on_inputs, like, shape)
        first = next(g for g, row in enumerate(table) if (row == np.arange(len(table))).all())
        order = [first, *(g for g in range(len(table)) if g != first)]  # the identity first
        self.on_inputs = [self.on_inputs[g] for g in order]
        self.on_outputs = [self.on_outputs[g] for g in order]
        place = np.argsort(order)
        self.table = place[table[np.ix_(order, order)]]
        self.irreducibles = _irreducibles(self.table)

    @property
    def order(self) -> int:
        """How many elements the group has."""
        return len(self.on_inputs)


def trivial(like: Any) -> Group:
    """Return the group of the identity alone."""
    return Group([_same], like, (1,))


def _same(U: Any) -> Any:
    return U


def _table(maps: list[Map], like: Any, shape: tuple[int, ...]) -> Any:
    """Return the (|G|, |G|) indices of the products ``g ∘ h``, found on a random function."""
    xp = namespace(like)
    random = np.random.default_rng(0).standard_normal((1, *shape))
    probe = xp.asarray(random, device=like.device)
    images = [g(probe) for g in maps]
    for g, image in enumerate(images):
        if tuple(image.shape) != tuple(probe.shape):
            raise ValueError(
                f"map {g} of the symmetry takes shape {tuple(probe.shape)} to {tuple(image.shape)}:"
                " a symmetry keeps the shape"
            )

    def find(image: Any) -> int | None:
        gaps = [float(xp.max(xp.abs(image - known))) for known in images]
        best = int(np.argmin(gaps))
        return best if gaps[best] < _close else None

    if find(probe) is None:
        raise ValueError("the identity is not among the maps of the symmetry: add lambda U: U")
    table = np.zeros((len(maps), len(maps)), dtype=int)
    for g, outer in enumerate(maps):
        for h, image in enumerate(images):
            found = find(outer(image))
            if found is None:
                raise ValueError(
                    f"map {g} after map {h} is not among the maps of the symmetry: add it, until "
                    "all products are there"
                )
            table[g, h] = found
        if len(set(table[g].tolist())) != len(maps):
            raise ValueError(f"map {g} of the symmetry is there twice, or not invertible")
    return table


def _irreducibles(table: Any) -> list[Irreducible]:
    """Return the irreducible representations over the real numbers, each once.

    Eigenspaces of a random symmetric matrix that commutes with the translations are invariant, and
    irreducible with probability one.
    """
    size = len(table)
    inverse = np.argmin(table, axis=1)  # where the product is the identity, 0
    # (right f x)[g] = x[g f], which commutes with (left a x)[g] = x[a⁻¹ g]
    right = np.zeros((size, size, size))
    mixed = np.zeros((size, size))
    weights = np.random.default_rng(0).standard_normal(size)
    for f in range(size):
        right[f, np.arange(size), table[:, f]] = 1.0
        mixed[np.arange(size), table[inverse[f]]] += weights[f] + weights[inverse[f]]
    levels, vectors = np.linalg.eigh(mixed)
    cuts = np.flatnonzero(np.diff(levels) > _close * np.max(np.abs(levels))) + 1
    found: list[tuple[Any, list[Any]]] = []
    for basis in np.split(vectors, cuts, axis=1):
        matrices = basis.T @ right @ basis
        for known, bases in found:
            turn = _intertwiner(known, matrices)
            if turn is not None:
                bases.append(basis @ turn.T)
                break
        else:
            found.append((matrices, [basis]))
    return [Irreducible(matrices, np.stack(bases)) for matrices, bases in found]


def _intertwiner(first: Any, second: Any) -> Any:
    """Return orthogonal ``T`` with ``first = T second Tᵀ``, None if they are not equivalent."""
    if first.shape != second.shape:
        return None
    trial = np.random.default_rng(1).standard_normal(first.shape[1:])
    mean = np.mean(first @ trial @ np.swapaxes(second, 1, 2), axis=0)
    size = np.linalg.norm(mean) / np.sqrt(len(mean))
    return mean / size if size > _close else None
