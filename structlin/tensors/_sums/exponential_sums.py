"""Inverses of Kronecker sums of diagonal matrices, in Tucker form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from structlin._backend import device
from structlin.matrices._base import adjoint_of
from structlin.tensors import _core
from structlin.tensors._arrays.ranges import by_qr
from structlin.tensors._memory import require_memory
from structlin.tensors.tensor_train import TensorTrain
from structlin.tensors.tucker import Tucker


def exponentials(low: float, high: float, tol: float) -> tuple[Any, Any]:
    """Return weights and times with ``1/s ≈ Σ weights exp(−times s)`` for ``s`` in ``[low, high]``.

    The relative error is about ``tol``.

    Notes
    -----
    ``1/s = ∫ exp(y − s exp(y)) dy``. The trapezoidal rule of distance ``h`` has the relative error
    ``2 |Γ(1 + 2πi/h)| ≈ √(16π²/h) exp(−π²/h)``. For large ``y`` the integrand vanishes at once.
    For small ``y`` it is ``exp(y)``, and one exponential, whose weight and first moment are those
    of the rest of the sum, stands for all points with ``s exp(y) < tol^{1/3}``.

    Examples
    --------
    >>> weights, times = exponentials(2.0, 1e5, 1e-13)
    >>> s = np.geomspace(2.0, 1e5, 1000)
    >>> bool(np.max(np.abs(s * (np.exp(-np.outer(s, times)) @ weights) - 1)) < 1e-12)
    True
    """
    digits = math.log(1 / tol)
    h = math.pi**2 / (digits + 5)
    first = math.log(tol ** (1 / 3) / (high / low)) - 1
    last = math.log(digits + 4)
    y = first + h * np.arange(math.ceil((last - first) / h) + 1)
    times, weights = np.exp(y), h * np.exp(y)
    # Σ over j = 1, 2, … of h exp(y − jh), and of h exp(y − jh)²
    rest, moment = weights[0] / math.expm1(h), h * times[0] ** 2 / math.expm1(2 * h)
    times = np.append(moment / rest, times)
    weights = np.append(rest, weights)
    return weights / low, times / low


def divided(
    tensor: Tucker, spectra: Sequence[Any], shift: float, tol: float, max_bytes: int
) -> tuple[Tucker, int]:
    """Return a tensor divided, entry by entry, by the sums of one number for every axis.

    Parameters
    ----------
    tensor : Tucker
        In double precision.
    spectra : sequence of (nk,) arrays
        The numbers of every axis, ascending; on the host.
    shift : float
        Added to all sums. If the smallest sum is zero, that entry of the result means nothing.
    tol : float
        Of the result, relative to its norm.
    max_bytes : int
        The largest core that may be made.

    Returns
    -------
    tensor : Tucker
    terms : int
        How many exponentials there were.
    """
    xp, where = tensor.xp, device(tensor)
    tol = max(tol, 1e-16)
    lowest = low = shift + sum(float(each[0]) for each in spectra)
    high = shift + sum(float(each[-1]) for each in spectra)
    if low == 0:
        low = min((float(each[each > 0][0]) for each in spectra if np.any(each > 0)), default=1.0)
        high = max(high, low)
    weights, times = exponentials(low, high, tol)
    weights = weights * np.exp(-times * lowest)
    share = xp.asarray(weights / np.max(weights), device=where)
    bases, rows = [], []
    for axis, (values, F) in enumerate(zip(spectra, tensor.factors, strict=True)):
        decay = np.exp(-np.outer(times, values - values[0]))
        decay = xp.astype(xp.asarray(decay, device=where), F.dtype)
        norms = _core.slice_norms(tensor.core, axis)
        largest = xp.max(norms)
        norms = norms / xp.where(largest > 0, largest, xp.ones_like(largest))
        terms = decay[:, :, None] * F[None, :, :]
        seen = terms * xp.astype(share[:, None, None] * norms, F.dtype)
        seen = xp.reshape(xp.permute_dims(seen, (1, 0, 2)), (F.shape[0], -1))
        U, squares = by_qr(seen, 0)
        U = U[:, : max(int(np.sum(squares > (tol / 10) ** 2 * squares[0])), 1)]
        bases.append(U)
        rows.append(xp.matmul(adjoint_of(U, xp)[None, :, :], terms))
    if not isinstance(tensor.core, TensorTrain):
        shape = [int(U.shape[1]) for U in bases]
        cure = "ask for less by the tolerance of f, or raise max_bytes"
        require_memory(shape, tensor.dtype, "the core of the solution", cure, max_bytes)
    total = None
    for number, weight in enumerate(weights):
        matrices = [row[number, :, :] for row in rows]
        term = _core.mode_products(tensor.core, matrices) * float(weight)
        total = term if total is None else total + term
        if isinstance(total, TensorTrain):
            total = total.round(tol / 10)
    return Tucker(total, bases), len(weights)
