"""Digital nets in base 2: Sobol points, and those of any generating matrices."""

from __future__ import annotations

import importlib
import operator
from typing import Any, Self

import numpy as np

from structlin.solvers.lattice._coordinates import (
    DIGITS,
    digits_of,
    place_of,
    require_real,
    rounded,
    shift_of,
)
from structlin.solvers.lattice._spectra import Walsh

_scale = 2.0**DIGITS
# SciPy's engine moves to a place at once only where digits fit into 32 bits
_sobol_digits = 32
_sobol_coordinates = 21201


class DigitalNet:
    """The sums without carry of the binary digits of ``m`` points, and of a digital shift.

    Parameters
    ----------
    generators : (m, d) array_like
        The points with the indices 1, 2, 4, …, 2^(m−1): coordinates in ``[0, 1)``, of which the
        first 52 binary digits count. They are the columns of the generating matrices.
    shift : float or sequence of d float, optional
        By default it is drawn at random, uniformly on the cube. Zero for none.
    rng : None, int, numpy.random.Generator, optional
        Draws the shift, see `numpy.random.default_rng`.

    Attributes
    ----------
    n, dimension : int
        ``2^m`` points, and the number of coordinates.
    generators : (m, d) ndarray of int64
        The generators, as 52-digit integers.
    shift : tuple of float
        The shift.
    seed : int or None
        The key that drew the shift; None if it was given.

    Raises
    ------
    ValueError
        If generators are not finite or outside of ``[0, 1)``, or sums of some of them coincide
        (points would be equal).

    Notes
    -----
    Point ``i xor j`` is, without the shift, the digitwise sum of points ``i`` and ``j``. Sobol
    points in SciPy's order, that of a Gray code, have this property.

    References
    ----------
    J. Dick and F. Pillichshammer, *Digital Nets and Sequences* (2010).

    Examples
    --------
    >>> DigitalNet.sobol(4, 2, shift=0.0).points()
    array([[0.  , 0.  ],
           [0.5 , 0.5 ],
           [0.75, 0.25],
           [0.25, 0.75]])
    """

    def __init__(self, generators: Any, *, shift: Any = None, rng: Any = None) -> None:
        given = require_real("generators", generators)
        if given.ndim != 2 or given.shape[1] == 0:
            raise ValueError(
                f"generators has shape {given.shape}: pass the (m, d) points of indices 1, 2, 4, …"
            )
        if not np.all((given >= 0) & (given < 1)):
            i, j = np.argwhere(~((given >= 0) & (given < 1)))[0]
            raise ValueError(f"generators[{i}, {j}] is {given[i, j]:g}: coordinates lie in [0, 1)")
        if len(given) > 31:
            raise ValueError(
                f"there are {len(given)} generators: at most 31, 2³¹ points, are taken"
            )
        digits = digits_of(given)
        if (place := _dependent(digits)) is not None:
            raise ValueError(
                f"generator {place} is the digitwise sum of earlier ones: points coincide"
            )
        self.n, self.dimension = 1 << len(digits), digits.shape[1]
        self.generators = digits
        self.shift, self.seed = shift_of(shift, self.dimension, rng)
        self.spectrum = Walsh(self.n)
        self._sobol = False

    @classmethod
    def sobol(cls, n: int, d: int, *, shift: Any = None, rng: Any = None) -> Self:
        """Return the first ``n`` Sobol points of ``d`` coordinates, in SciPy's order.

        Parameters
        ----------
        n : int
            A power of two.
        d : int
            Coordinates, at most 21201.
        shift, rng : optional
            As for the class.

        Raises
        ------
        ValueError
            If ``n`` is no power of two, or one of them is out of range.
        """
        n, d = operator.index(n), operator.index(d)
        if not 1 <= n <= 2**31 or n & (n - 1):
            raise ValueError(f"n is {n}: a digital net here has a power of two of points, to 2³¹")
        if not 1 <= d <= _sobol_coordinates:
            raise ValueError(f"d is {d}: Sobol points have 1 to {_sobol_coordinates} coordinates")
        net = cls(_sobol_generators(n.bit_length() - 1, d), shift=shift, rng=rng)
        net._sobol = True
        return net

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
        return self._from(0, like)

    def refinement(self, like: Any = None) -> Any:
        """Return the points that `refined` has and this net lacks, as (n, d) array."""
        return self.refined()._from(self.n, like)

    def refined(self) -> DigitalNet:
        """Return the net of twice as many points: these and as many more.

        Raises
        ------
        ValueError
            If the net was not made by `sobol`, so that further generators are not known, or there
            are none.
        """
        if not self._sobol:
            raise ValueError("further generators of this net are not known: give them all at once")
        net = DigitalNet.sobol(2 * self.n, self.dimension, shift=self.shift)
        net.seed = self.seed
        return net

    @staticmethod
    def merged(known: Any, new: Any, xp: Any) -> Any:
        """Return the values at the points of `refined`, from those here and of `refinement`."""
        return xp.concat((known, new))

    def differences(self, axis: int, xp: Any, where: Any) -> Any:
        """Return digitwise differences to the first point, as (n,) array of 52-digit integers."""
        digits = xp.zeros(1, dtype=xp.int64, device=where)
        for generator in self.generators[:, axis]:
            digits = xp.concat((digits, digits ^ int(generator)))
        return digits

    @staticmethod
    def completed(columns: Any, xp: Any) -> Any:
        """Return the values of functions of all differences: they are complete."""
        return columns

    @staticmethod
    def natural(values: Any, xp: Any) -> Any:
        """Return rows as they are."""
        return values

    @staticmethod
    def ordered(values: Any, xp: Any) -> Any:
        """Return rows as they are."""
        return values

    def _from(self, first: int, like: Any) -> Any:
        xp, where, dtype = place_of(like)
        columns = []
        for axis, shift in enumerate(self.shift):
            digits = self.differences(axis, xp, where)[first:] ^ int(shift * _scale)
            columns.append(xp.astype(digits, xp.float64) / _scale)
        return rounded(xp.stack(columns, axis=1), dtype)

    def __repr__(self) -> str:
        return f"<DigitalNet {self.n}x{self.dimension}>"


def _sobol_generators(m: int, d: int) -> Any:
    """Return the Sobol points of indices 1, 2, 4, …, 2^(m−1)."""
    qmc = importlib.import_module("scipy.stats").qmc
    engine = qmc.Sobol(d, scramble=False, bits=_sobol_digits)
    rows = []
    for k in range(m):
        engine.fast_forward((1 << k) - engine.num_generated)
        rows.append(engine.random(1)[0])
    return np.asarray(rows).reshape(m, d)


def _dependent(digits: Any) -> int | None:
    """Return the first generator that others add up to, by elimination over bits."""
    pivots: dict[int, int] = {}
    for place, row in enumerate(digits.tolist()):
        whole = 0
        for number in row:
            whole = whole << DIGITS | number
        while whole:
            lead = whole.bit_length()
            if lead not in pivots:
                pivots[lead] = whole
                break
            whole ^= pivots[lead]
        else:
            return place
    return None
