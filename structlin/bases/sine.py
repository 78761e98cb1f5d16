"""The sine basis: functions that vanish on an end of an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.bases._trigonometric import transformed


def dst(x: Any, *, type: int = 2, axes: int | Sequence[int] | None = None) -> Any:
    """Discrete sine transform, orthonormal: type 3 undoes type 2, types 1 and 4 undo themselves.

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
        If the type is none of these, or an axis does not exist or appears twice.
    TypeError
        If ``x`` is not a numeric array.

    Notes
    -----
    The coefficients are those of ``scipy.fft.dst(x, type, norm="ortho")``, along an axis of
    length ``n`` with ``j, k = 0, …, n − 1``:

    ==== =================================================
    type ``X_k``
    ==== =================================================
    1    ``√(2/(n + 1)) Σ_j x_j sin(π (j+1)(k+1)/(n + 1))``
    2    ``w_k √(2/n) Σ_j x_j sin(π (j+½)(k+1)/n)``
    3    ``√(2/n) Σ_j w_j x_j sin(π (j+1)(k+½)/n)``
    4    ``√(2/n) Σ_j x_j sin(π (j+½)(k+½)/n)``
    ==== =================================================

    where ``w`` is 1, but ``1/√2`` at ``n − 1``. ``O(N log N)`` for ``N`` entries: by SciPy for
    NumPy arrays, by its twin for types 2 and 3 on CuPy, elsewhere by FFTs of twice the length.

    Examples
    --------
    >>> import numpy as np
    >>> j = np.arange(8)
    >>> dst(np.sin(np.pi * (j + 0.5) * 3 / 8)).round(12) + 0.0
    array([0., 0., 2., 0., 0., 0., 0., 0.])
    """
    return transformed("sine", x, type, axes)


def dst1(x: Any, *, axes: int | Sequence[int] | None = None) -> Any:
    """Discrete sine transform of the first kind, orthonormal and so its own inverse.

    Along each axis of length ``n`` the entries are taken as values at the interior points
    ``i/(n + 1)``, ``i = 1, …, n``, of the unit interval. The transform diagonalises the second
    difference with zero boundary values, whose eigenvalues are ``2 cos(π k/(n + 1)) − 2``.

    Parameters
    ----------
    x : array
        Real or complex values; integers become float64. float32 stays float32.
    axes : int, sequence of ints or None
        Axes to transform; all of them by default.

    Returns
    -------
    array
        The coefficients, in the shape and array library of ``x``.

    Raises
    ------
    ValueError
        If an axis does not exist or appears twice.
    TypeError
        If ``x`` is not a numeric array.

    Notes
    -----
    ``X_k = √(2/(n + 1)) Σ_i x_i sin(π i k/(n + 1))``: ``dst(x, type=1)``.

    Examples
    --------
    >>> import numpy as np
    >>> i = np.arange(1, 8)
    >>> dst1(np.sin(np.pi * i * 2 / 8)).round(12) + 0.0
    array([0., 2., 0., 0., 0., 0., 0.])
    """
    return transformed("sine", x, 1, axes)
