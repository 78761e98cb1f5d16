"""Tensor trains of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from structlin.tensors.tensor_train import TensorTrain


def tt_svd(T: Any, *, tol: float = 0.0, ranks: int | Sequence[int] | None = None) -> TensorTrain:
    """Return the tensor train of an array by singular value decompositions of its unfoldings.

    Parameters
    ----------
    T : array
        The tensor, of one axis or more.
    tol : float
        The error in the Frobenius norm, relative to that of the tensor, as long as ``ranks`` allow
        it. Rounding errors are dropped with any tolerance.
    ranks : int or sequence of int, optional
        The largest ranks.

    Returns
    -------
    TensorTrain

    Raises
    ------
    ValueError
        If the array has a NaN or Inf or no axis, or a rank or the tolerance is out of range.

    Notes
    -----
    The error is at most ``√(d − 1)`` times that of the best train of the same ranks [1]_. Of wide
    unfoldings only the left singular vectors are made, from the product of the unfolding with its
    adjoint where that holds enough digits, and by QR factorisation otherwise.

    References
    ----------
    .. [1] I. V. Oseledets, "Tensor-train decomposition", SIAM J. Sci. Comput. 33 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 8)
    >>> tt_svd(np.sin(x[:, None, None] + x[:, None] + x), tol=1e-12)
    <TensorTrain 8x8x8 float64, ranks 2x2>
    """
    return TensorTrain.from_array(T, tol, ranks)
