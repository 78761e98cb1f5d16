"""The cosine basis: functions whose slope vanishes on an end of an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.bases._trigonometric import transformed


def dct(x: Any, *, type: int = 2, axes: int | Sequence[int] | None = None) -> Any:
    """Discrete cosine transform, orthonormal: type 3 undoes type 2, types 1 and 4 undo themselves.

    Parameters
    ----------
    x : array
        Real or complex values; integers become float64. float32 stays float32.
    type : {1, 2, 3, 4}
        Which one.
    axes : int, sequence of ints or None
        Axes to transform; all of them by default.

    Returns
    -------
    array
        The coefficients, in the shape and array library of ``x``.

    Raises
    ------
    ValueError
        If the type is none of these, an axis does not exist or appears twice, or one for type 1
        has a single point.
    TypeError
        If ``x`` is not a numeric array.

    Notes
    -----
    The coefficients are those of ``scipy.fft.dct(x, type, norm="ortho")``, along an axis of
    length ``n`` with ``j, k = 0, …, n − 1``:

    ==== ======================================================
    type ``X_k``
    ==== ======================================================
    1    ``w_k √(2/(n − 1)) Σ_j w_j x_j cos(π j k/(n − 1))``
    2    ``w_k √(2/n) Σ_j x_j cos(π (j+½) k/n)``
    3    ``√(2/n) Σ_j w_j x_j cos(π j (k+½)/n)``
    4    ``√(2/n) Σ_j x_j cos(π (j+½)(k+½)/n)``
    ==== ======================================================

    where ``w`` is 1, but ``1/√2`` at 0, and for type 1 at ``n − 1`` as well. ``O(N log N)`` for
    ``N`` entries: by SciPy for NumPy arrays, by its twin for types 2 and 3 on CuPy, elsewhere by
    FFTs of twice the length.

    Examples
    --------
    >>> import numpy as np
    >>> j = np.arange(8)
    >>> dct(np.cos(np.pi * (j + 0.5) * 3 / 8)).round(12) + 0.0
    array([0., 0., 0., 2., 0., 0., 0., 0.])
    """
    return transformed("cosine", x, type, axes)
