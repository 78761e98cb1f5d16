"""How far predicted functions are from the true ones."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace
from structlin._validation import inexact


def relative_errors(predicted: Any, true: Any) -> Any:
    """Return the relative error of every sample, in the Euclidean norm.

    Parameters
    ----------
    predicted, true : (n, ...) array
        A function on the same grid for every sample.

    Returns
    -------
    (n,) array
        ``‖predicted_i − true_i‖ / ‖true_i‖``, in the precision of the arguments. Where a true
        function is zero, 0 if the predicted one is as well, and Inf otherwise.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no axis of samples.

    Examples
    --------
    >>> import numpy as np
    >>> relative_errors(np.array([[1.0, 1.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [3.0, 4.0]]))
    array([1., 0.])
    """
    xp = namespace(predicted, true)
    predicted, true = inexact(predicted, xp), inexact(true, xp)
    if tuple(predicted.shape) != tuple(true.shape) or true.ndim == 0:
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)} and true {tuple(true.shape)}: "
            "pass two arrays of one shape, whose first axis counts the samples"
        )
    n = true.shape[0]
    if 0 in true.shape:
        return xp.zeros(n, dtype=xp.abs(true).dtype, device=true.device)
    flat, other = xp.reshape(true, (n, -1)), xp.reshape(predicted, (n, -1))
    # in units of the largest entry, so that squares neither overflow nor vanish
    unit = xp.max(xp.maximum(xp.abs(flat), xp.abs(other)), axis=1, keepdims=True)
    unit = xp.where(unit > 0, unit, xp.ones_like(unit))
    size = _lengths(flat / unit, xp)
    error = _lengths(other / unit - flat / unit, xp)
    some = size > 0
    ratio = error / xp.where(some, size, xp.ones_like(size))
    endless = xp.full_like(error, xp.inf)
    return xp.where(some, ratio, xp.where(error > 0, endless, xp.zeros_like(error)))


def _lengths(rows: Any, xp: Any) -> Any:
    return xp.sqrt(xp.sum(xp.abs(rows) ** 2, axis=1))
