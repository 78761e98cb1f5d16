"""Rank-1 lattices."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Literal

from structlin.solvers.lattice._coordinates import place_of, rounded, shift_of
from structlin.solvers.lattice._spectra import Waves

Order = Literal["natural", "radical inverse"]

# products of an index and a component of the generating vector stay exact in 64 bits
_most = 2**31


class Lattice:
    """The points ``i z / n + shift mod 1`` of the unit cube, ``i = 0, …, n − 1``.

    Parameters
    ----------
    n : int
        How many points.
    generating_vector : sequence of d int
        The vector ``z``: one of the published ones, one of `construct_lattice`, or your own.
        Only its remainders modulo ``n`` matter.
    shift : float or sequence of d float, optional
        By default it is drawn at random, uniformly on the cube. Zero for none.
    order : {"natural", "radical inverse"}
        ``"natural"`` as above. ``"radical inverse"`` has the bits of ``i`` reversed, for ``n`` a
        power of two: the order of QMCPy's ``Lattice``, of which every ``2^m`` first points are a
        lattice. Values in that order are gathered and scattered, which costs about as much as
        the transforms do.
    rng : None, int, numpy.random.Generator, optional
        Draws the shift, see `numpy.random.default_rng`.

    Attributes
    ----------
    n, dimension : int
        How many points and coordinates.
    generating_vector : tuple of int
        The vector, as remainders.
    order : str
        As given.
    shift : tuple of float
        The shift, in ``[0, 1)``.
    seed : int or None
        The key that drew the shift; None if it was given.

    Raises
    ------
    ValueError
        If ``n`` is out of range or no power of two where it has to be, if the numbers of the
        vector and of the shift differ, or if all components share a factor with ``n``, so that
        points coincide.

    References
    ----------
    I. H. Sloan and S. Joe, *Lattice Methods for Multiple Integration* (1994).

    Examples
    --------
    >>> Lattice(5, (1, 2), shift=0.0).points()[:3]
    array([[0. , 0. ],
           [0.2, 0.4],
           [0.4, 0.8]])
    """

    def __init__(
        self,
        n: int,
        generating_vector: Sequence[int],
        *,
        shift: float | Sequence[float] | None = None,
        order: Order = "natural",
        rng: Any = None,
    ) -> None:
        n = operator.index(n)
        if not 1 <= n <= _most:
            raise ValueError(f"n is {n}: a lattice has between 1 and {_most} points")
        whole = tuple(operator.index(z) for z in generating_vector)
        vector = tuple(z % n for z in whole)
        if not vector:
            raise ValueError("generating_vector is empty: give an integer for every coordinate")
        if (common := math.gcd(n, *vector)) > 1:
            raise ValueError(
                f"n = {n} and all of generating_vector share the factor {common}: points coincide, "
                f"use n = {n // common}"
            )
        if order not in ("natural", "radical inverse"):
            raise ValueError(f"order is {order!r}: pass 'natural' or 'radical inverse'")
        if order == "radical inverse" and n & (n - 1):
            raise ValueError(f"n is {n}: the order 'radical inverse' is one of powers of two")
        self.n, self.dimension = n, len(vector)
        self.generating_vector, self.order = vector, order
        self.shift, self.seed = shift_of(shift, len(vector), rng)
        self.spectrum = Waves(n)
        self._whole = whole

    def points(self, like: Any = None) -> Any:
        """Return the points in their order.

        Parameters
        ----------
        like : array, optional
            Gives the array library, the device and the precision; by default NumPy's float64.

        Returns
        -------
        (n, d) array
            Coordinates in ``[0, 1)``.
        """
        xp, where, dtype = place_of(like)
        index = xp.arange(self.n, dtype=xp.int64, device=where)
        return rounded(self.ordered(self._at(index, xp), xp), dtype)

    def refinement(self, like: Any = None) -> Any:
        """Return the points that `refined` has and this lattice lacks, as (n, d) array."""
        xp, where, dtype = place_of(like)
        index = 2 * xp.arange(self.n, dtype=xp.int64, device=where) + 1
        return rounded(self.refined()._at(index, xp), dtype)

    def refined(self) -> Lattice:
        """Return the lattice of twice as many points, in natural order: these and as many more.

        ``i z / n`` is ``2 i z / 2n``: the points in even places are these.

        Raises
        ------
        ValueError
            If ``2 n`` is out of range, or shares a factor with all components.
        """
        made = Lattice(2 * self.n, self._whole, shift=self.shift)
        made.seed = self.seed
        return made

    def merged(self, known: Any, new: Any, xp: Any) -> Any:
        """Return the values at the points of `refined`, from those here and of `refinement`."""
        pairs = xp.stack((self.natural(known, xp), new), axis=1)
        return xp.reshape(pairs, (-1, known.shape[1]))

    def differences(self, axis: int, xp: Any, where: Any) -> Any:
        """Return coordinate differences to the first point, in natural order, as (n,) array.

        Only the first ``n // 2 + 1`` of them: the others are those with their signs changed.
        """
        index = xp.arange(self.n // 2 + 1, dtype=xp.int64, device=where)
        index *= self.generating_vector[axis]
        if self.n & (self.n - 1):
            index %= self.n
        else:
            index &= self.n - 1
        return xp.astype(index, xp.float64) / self.n

    def completed(self, columns: Any, xp: Any) -> Any:
        """Return all ``n`` values of even functions of the differences, from those first ones."""
        return xp.concat((columns, xp.flip(columns[1 : (self.n + 1) // 2, ...], axis=0)))

    def natural(self, values: Any, xp: Any) -> Any:
        """Return rows that stand in the order of the points in natural order."""
        return self.ordered(values, xp)  # to reverse bits is its own inverse

    def ordered(self, values: Any, xp: Any) -> Any:
        """Return rows that stand in natural order in the order of the points."""
        if self.order == "natural":
            return values
        index = xp.zeros(1, dtype=xp.int64, device=values.device)
        for _ in range(self.n.bit_length() - 1):
            index = xp.concat((2 * index, 2 * index + 1))
        return xp.take(values, index, axis=0)

    def _at(self, index: Any, xp: Any) -> Any:
        columns = []
        for z, shift in zip(self.generating_vector, self.shift, strict=True):
            x = xp.astype(index * z % self.n, xp.float64) / self.n + shift
            columns.append(x - xp.astype(x >= 1, xp.float64))
        return xp.stack(columns, axis=1)

    def __repr__(self) -> str:
        z = ", ".join(map(str, self.generating_vector))
        return f"<Lattice {self.n}x{self.dimension}, z = ({z})>"
