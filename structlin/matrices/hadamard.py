"""Hadamard matrices of Sylvester's construction."""

from __future__ import annotations

import math
import operator
from typing import Any

from structlin._backend import is_numpy, kernel
from structlin._kernels.walsh import walsh_transform
from structlin.matrices.functions import (
    inv,
    lstsq,
    norm,
    pinv,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker
from structlin.matrices.operations import adjoint, is_hermitian, transpose
from structlin.matrices.rules import rule

# log₂ of the size of the factors: one pass over the data for each
_radix = 4
# from this size on, the compiled transform was faster than small factors, on one x86 machine
_compiled = 2**10


class Hadamard(Kronecker):
    """The Hadamard matrix ``[[1, 1], [1, −1]] ⊗ … ⊗ [[1, 1], [1, −1]]``.

    Parameters
    ----------
    n : int
        Rows and columns: a power of two.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Raises
    ------
    ValueError
        If ``n`` is no power of two.

    Notes
    -----
    The entries are ``(−1)^(bits that i and j have in common)``: the rows stand in Sylvester's
    order. The matrix is symmetric and ``H H = n I``, so that ``H / √n`` is orthogonal. A product
    is the fast Walsh–Hadamard transform: ``log₂ n`` levels, at ``n log₂ n`` operations for long
    NumPy arrays; elsewhere a factor of size 16 takes four levels at a time, at ``8 n log₂ n``
    operations.

    Examples
    --------
    >>> import numpy as np
    >>> Hadamard(4) @ np.array([1.0, 2.0, 3.0, 4.0])
    array([10., -2., -4.,  0.])
    """

    def __init__(self, n: int, *, dtype: Any = None, like: Any = None) -> None:
        n = operator.index(n)
        if n < 1 or n & (n - 1):
            raise ValueError(f"n is {n}: the size of a Hadamard matrix here is a power of two")
        one = Identity(1, dtype=dtype, like=like)
        levels = n.bit_length() - 1
        bits = [*[_radix] * (levels // _radix), *([levels % _radix] if levels % _radix else [])]
        blocks = {
            k: one.xp.asarray(_sylvester(k), dtype=one.dtype, device=one.device) for k in {*bits, 0}
        }
        super().__init__(*(blocks[k] for k in bits or [0]))

    @property
    def parameters(self) -> int:
        """None: the size says everything."""
        return 0

    def _formula(self) -> str:
        return ""

    def _matmat(self, X: Any) -> Any:
        if is_numpy(self.xp) and self.shape[0] >= _compiled:
            return kernel(self.xp, walsh_transform)(X)
        return super()._matmat(X)

    def _rmatmat(self, X: Any) -> Any:
        return self._matmat(X)


def _sylvester(bits: int) -> list[list[float]]:
    side = range(2**bits)
    return [[-1.0 if (i & j).bit_count() % 2 else 1.0 for j in side] for i in side]


# algebra

rule(adjoint, Hadamard)(lambda A: A)
rule(transpose, Hadamard)(lambda A: A)
rule(is_hermitian, Hadamard)(lambda A: True)

# functions

_transform: dict[str, Any] = {"how": "H b / n", "cost": "8 n log₂ n", "memory": "2 n"}
rule(solve, Hadamard, **_transform)(lambda A, B: A._matmat(B) / A.shape[0])
rule(lstsq, Hadamard, **_transform)(lambda A, B: A._matmat(B) / A.shape[0])
_inverse: dict[str, Any] = {"how": "H / n", "cost": "0", "memory": "0"}
rule(inv, Hadamard, **_inverse)(lambda A: A / A.shape[0])
rule(pinv, Hadamard, **_inverse)(lambda A: A / A.shape[0])


@rule(slogdet, Hadamard, how="n/2 log n", cost="1", memory="1")
def _slogdet(A: Hadamard) -> Any:
    # det H₂ₘ = (−2)^m (det Hₘ)²
    n = A.shape[0]
    return A._scalar(-1.0 if n == 2 else 1.0), A._scalar(n / 2 * math.log(n), A.real_dtype)


@rule(svdvals, Hadamard, how="√n", cost="n", memory="n")
def _svdvals(A: Hadamard) -> Any:
    A._require_formable(A.shape[0])
    one = A.xp.ones(A.shape[0], dtype=A.real_dtype, device=A.device)
    return one * math.sqrt(A.shape[0])


@rule(svd, Hadamard, how="H = (H / √n) · √n · I", cost="n", memory="n")
def _svd(A: Hadamard) -> Any:
    n = A.shape[0]
    return A / math.sqrt(n), _svdvals(A), Identity(n, dtype=A.dtype, like=A)


@rule(trace, Hadamard, how="zero, or 1 for n = 1", cost="0", memory="0")
def _trace(A: Hadamard) -> Any:
    return A._scalar(1.0 if A.shape[0] == 1 else 0.0)


@rule(norm, Hadamard, how="√n, n or n √n", cost="0", memory="0")
def _norm(A: Hadamard, ord: Any) -> Any:
    n = float(A.shape[0])
    powers = {2: math.sqrt(n), "nuc": n * math.sqrt(n)}
    return A._scalar(powers.get(ord, n), A.real_dtype)
