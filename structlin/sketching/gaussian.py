"""Dense sketching operators: independent normal numbers, or signs."""

from __future__ import annotations

import math
from typing import Any

from structlin.sketching._base import SketchingOperator
from structlin.sketching._random import normals, random_words, signs


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
        Of the entries. Complex ones have real and imaginary parts of variance ``1/(2 d)``.
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
        xp, d = self.xp, self.shape[0]
        wanted = 2 * d if self.is_complex else d
        place = self.start + start
        values = normals(self.seed, self._stream, place, stop - start, wanted, xp, self.device)
        if self.is_complex:
            values = (values[:, 0::2] + 1j * values[:, 1::2]) / math.sqrt(2.0)
        return xp.matrix_transpose(xp.astype(values, self.dtype))


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
        Of the entries.
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
        xp = self.xp
        place = self.start + start
        words = random_words(
            self.seed, self._stream, place, stop - start, 0, self.shape[0], xp, self.device
        )
        return xp.matrix_transpose(signs(words, xp, self.dtype))
