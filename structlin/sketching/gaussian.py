"""Dense sketching operators: independent normal numbers, or signs."""

from __future__ import annotations

import math
from typing import Any

from structlin.sketching._base import SketchingOperator
from structlin.sketching._random import normals, signs


class Gaussian(SketchingOperator):
    """A sketch of independent normal numbers of variance ``1/d``.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    columns : int
        ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of all entries.
    dtype : data type, optional
        Of the entries, by default that of ``like``, or float64. Complex ones have real and
        imaginary parts of variance ``1/(2 d)``.
    like : array or operator, optional
        Gives library, device and data type.

    Examples
    --------
    >>> import numpy as np
    >>> S = Gaussian(20, 1000, rng=0)
    >>> S.shape, (S @ np.ones((1000, 3))).shape
    ((20, 1000), (20, 3))
    """

    _stream = 1

    def _entries(self, start: int, stop: int) -> Any:
        return normal_columns(self, self._stream, self.start + start, stop - start)


class Rademacher(SketchingOperator):
    """A sketch of independent signs ``±1/√d``, each with probability 1/2.

    Parameters
    ----------
    rows : int
        ``d``, the size of the sketch.
    columns : int
        ``m``, the rows of what is sketched.
    rng : None, int or numpy.random.Generator, optional
        Gives the key of all entries.
    dtype : data type, optional
        Of the entries, which are real in any case; by default that of ``like``, or float64.
    like : array or operator, optional
        Gives library, device and data type.

    Examples
    --------
    >>> import numpy as np
    >>> S = Rademacher(4, 1000, rng=0)
    >>> float(np.linalg.norm(S.todense()[:, 0]))
    1.0
    """

    _stream = 2

    def _entries(self, start: int, stop: int) -> Any:
        return sign_columns(self, self._stream, self.start + start, stop - start)


def normal_columns(S: SketchingOperator, stream: int, start: int, count: int) -> Any:
    """Return columns of normal numbers of variance one, (d, count), as complex as ``S``."""
    xp, d = S.xp, S.shape[0]
    wanted = 2 * d if S.is_complex else d
    values = normals(S.seed, stream, start, count, wanted, xp, S.device, S.real_dtype)
    if S.is_complex:
        parts = xp.reshape(values, (count, d, 2)) * math.sqrt(0.5)
        values = xp.astype(parts[:, :, 0], S.dtype) + 1j * parts[:, :, 1]
    return xp.matrix_transpose(values)


def sign_columns(S: SketchingOperator, stream: int, start: int, count: int) -> Any:
    """Return columns of signs, (d, count)."""
    made = signs(S.seed, stream, start, count, S.shape[0], S.xp, S.device, S.dtype)
    return S.xp.matrix_transpose(made)
