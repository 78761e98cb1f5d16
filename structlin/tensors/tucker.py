"""Tensors as a core times a matrix along every axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin._validation import common_type
from structlin.matrices._base import conjugate
from structlin.tensors import _core
from structlin.tensors._memory import default_bytes, require_memory
from structlin.tensors.tensor_train import TensorTrain


class Tucker:
    """The tensor ``T[i, j, …] = Σ core[p, q, …] factors[0][i, p] factors[1][j, q] …``.

    Parameters
    ----------
    core : (r1, …, rd) array or TensorTrain
        The core.
    factors : sequence of (nk, rk) arrays
        A matrix for every axis; its columns need not be orthonormal.

    Attributes
    ----------
    core, factors : array or TensorTrain, tuple of arrays
        What the tensor is made of.
    shape, ranks : tuple of int
        Sizes of the tensor and of its core.
    dtype : data type
        Data type of the entries.
    xp : module
        The array library.
    device : object
        Where the arrays live.

    Raises
    ------
    ValueError
        If the shapes of core and factors disagree.

    Examples
    --------
    >>> import numpy as np
    >>> T = Tucker(np.ones((1, 1)), [np.array([[1.0], [2.0]]), np.array([[3.0], [4.0], [5.0]])])
    >>> T
    <Tucker 2x3 float64, ranks 1x1>
    >>> T.full()
    array([[ 3.,  4.,  5.],
           [ 6.,  8., 10.]])
    """

    def __init__(self, core: Any, factors: Sequence[Any]) -> None:
        factors = list(factors)
        self.xp: ModuleType = namespace(core, *factors)
        self.device: Any = device(core, *factors)
        if len(factors) != core.ndim:
            raise ValueError(
                f"the core has {core.ndim} axes, and there are {len(factors)} factors: one factor "
                "is needed for every axis"
            )
        for axis, factor in enumerate(factors):
            if factor.ndim != 2 or factor.shape[1] != core.shape[axis]:
                raise ValueError(
                    f"factor {axis} has shape {tuple(factor.shape)}, and the core has shape "
                    f"{tuple(core.shape)}: the factor needs two axes and {core.shape[axis]} columns"
                )
        self.dtype = common_type(self.xp, core.dtype, *(factor.dtype for factor in factors))
        if isinstance(core, TensorTrain):
            self.core: Any = core.astype(self.dtype)
        else:
            self.core = self.xp.astype(core, self.dtype, copy=False)
        self.factors = tuple(self.xp.astype(U, self.dtype, copy=False) for U in factors)
        self.shape = tuple(int(U.shape[0]) for U in factors)
        self.ranks = tuple(int(U.shape[1]) for U in factors)
        self.ndim = len(factors)

    def __repr__(self) -> str:
        sizes, ranks = ("x".join(map(str, of)) for of in (self.shape, self.ranks))
        kind = ", tensor-train core" if isinstance(self.core, TensorTrain) else ""
        dtype = str(self.dtype).rpartition(".")[2]
        return f"<Tucker {sizes} {dtype}, ranks {ranks}{kind}>"

    def full(self, *, max_bytes: int = default_bytes) -> Any:
        """Return the tensor as an array.

        Raises
        ------
        MemoryError
            If it takes more than ``max_bytes``.
        """
        cure = "take a part of it by indexing, or raise max_bytes"
        require_memory(self.shape, self.dtype, "the tensor", cure, max_bytes)
        return _core.formed(_core.mode_products(self.core, self.factors))

    def __add__(self, other: Tucker) -> Tucker:
        self._require_shape(other)
        pairs = zip(self.factors, other.factors, strict=True)
        xp = namespace(*self.factors, *other.factors)
        factors = [xp.concat([U, V], axis=1) for U, V in pairs]
        return Tucker(_core.direct_sum(self.core, other.core), factors)

    def __mul__(self, other: Any) -> Tucker:
        if not isinstance(other, Tucker):
            return Tucker(self.core * other, self.factors)
        self._require_shape(other)
        xp = namespace(*self.factors, *other.factors)
        factors = []
        for U, V in zip(self.factors, other.factors, strict=True):
            both = U[:, :, None] * V[:, None, :]
            factors.append(xp.reshape(both, (U.shape[0], U.shape[1] * V.shape[1])))
        return Tucker(_core.kronecker(self.core, other.core), factors)

    __rmul__ = __mul__

    def __neg__(self) -> Tucker:
        return self * -1

    def __sub__(self, other: Tucker) -> Tucker:
        return self + -other

    def inner(self, other: Tucker) -> Any:
        """Return ``Σ conj(self) other``, a scalar array."""
        self._require_shape(other)
        xp = namespace(*self.factors, *other.factors)
        pairs = zip(self.factors, other.factors, strict=True)
        grams = [xp.matmul(conjugate(xp.matrix_transpose(U), xp), V) for U, V in pairs]
        return _core.inner(self.core, _core.mode_products(other.core, grams))

    def orthogonalize(self) -> Tucker:
        """Return the same tensor with orthonormal columns in every factor."""
        pairs = [self.xp.linalg.qr(U) for U in self.factors]
        core = _core.mode_products(self.core, [R for _, R in pairs])
        return Tucker(core, [Q for Q, _ in pairs])

    def norm(self) -> float:
        """Return the Frobenius norm."""
        return _core.norm(self.orthogonalize().core)

    def recompress(self, tol: float = 0.0, ranks: Sequence[int] | None = None) -> Tucker:
        """Return the tensor with smaller ranks, its factors orthonormal.

        Parameters
        ----------
        tol : float
            The error in the Frobenius norm, relative to that of the tensor.
        ranks : sequence of int, optional
            The largest ranks.
        """
        tensor = self.orthogonalize()
        core, small = _core.truncated(tensor.core, tol, ranks)
        pairs = zip(tensor.factors, small, strict=True)
        return Tucker(core, [self.xp.matmul(Q, U) for Q, U in pairs])

    @property
    def size(self) -> int:
        """The number of entries of the tensor."""
        return math.prod(self.shape)

    def _require_shape(self, other: Tucker) -> None:
        if self.shape != other.shape:
            raise ValueError(
                f"the tensors have shapes {self.shape} and {other.shape}: they must be equal"
            )
