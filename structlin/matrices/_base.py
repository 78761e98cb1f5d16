"""The linear operator: a matrix that is known by its products with blocks of columns."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import operator
from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat as compat
import numpy as np

from structlin._backend import device, is_numpy, namespace, type_name
from structlin._validation import common_type, inexact
from structlin.matrices._indices import parse
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import rule

# more entries than the memory of any machine holds
_unformable = 2**48
_scalars = (int, float, complex, np.number)


class _Sealing(ABCMeta):
    """Makes an operator immutable as soon as its constructor has returned."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        vars(made)["_sealed"] = True
        return made

    @property
    def __signature__(cls) -> inspect.Signature:
        # `help` would otherwise show the parameters of `__call__`
        init = inspect.getattr_static(cls, "__init__")
        _self, *parameters = inspect.signature(init).parameters.values()
        return inspect.Signature(parameters)


class LinearOperator(metaclass=_Sealing):
    """A matrix that need not be stored: an immutable operator with structured algebra.

    A subclass calls ``super().__init__`` and writes `_matmat` and `_rmatmat`; everything else
    follows from them.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns; Python integers, so that sizes beyond 2⁶³ are exact.
    dtype : data type, optional
        Floating-point or complex; integers become float64. By default that of ``like``, or
        float64.
    like : array, operator or tuple of them, optional
        What the operator is made of: gives the array library, the device and the data type.
        By default NumPy.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    dtype : data type
        Data type of the entries.
    xp : module
        The array library of the operator: its array-API namespace.
    device : object
        The device where the operator lives.

    Raises
    ------
    ValueError
        If the shape is negative.
    TypeError
        If the data type is not numeric, or array libraries or devices are mixed.

    Notes
    -----
    ``A @ x`` takes a vector ``(n,)``, a block ``(n, k)`` or a stack ``(..., n, k)``, as
    `numpy.matmul` does, and so does ``x @ A``. Integer operands become float64, and the result
    has the data type to which operator and operand promote. Array library and device never
    change: mixing them raises.

    ``A.T``, ``A.H``, ``A.conj()``, ``A + B``, ``A - B``, ``A @ B``, ``2 * A`` and ``A / 2`` are
    operators again, with structure wherever a rule knows it. ``B`` may be a SciPy sparse matrix
    or a SciPy LinearOperator; in sums also an array. Scalars never change the precision.

    ``A[i, :]`` and ``A[:, j]`` are arrays and ``A[i, j]`` is a scalar. Slices and integer arrays
    on both axes select a submatrix, which is an operator: ``A[rows, cols]`` is what NumPy calls
    ``A[np.ix_(rows, cols)]``.

    Examples
    --------
    >>> import numpy as np
    >>> class Reversal(LinearOperator):
    ...     def _matmat(self, X): return self.xp.flip(X, axis=0)
    ...     _rmatmat = _matmat
    >>> Reversal((3, 3)) @ np.array([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """

    shape: tuple[int, int]
    dtype: Any
    xp: ModuleType
    device: Any

    ndim = 2
    # NumPy and CuPy arrays then leave `x @ A` and `x + A` to this class
    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, int], dtype: Any = None, *, like: Any = None) -> None:
        m, n = map(operator.index, shape)
        if m < 0 or n < 0:
            raise ValueError(f"shape {m}x{n} is negative")
        owners = [x for x in (like if isinstance(like, tuple) else (like,)) if x is not None]
        if not owners:
            owners = [np.empty(0)]
        self.shape = m, n
        self.xp = namespace(*owners)
        self.device = device(*owners)
        self.dtype = common_type(
            self.xp, *([x.dtype for x in owners] if dtype is None else [dtype])
        )

    @abstractmethod
    def _matmat(self, X: Any) -> Any:
        """Return ``A X`` for a block ``X`` of shape (n, k), which has the result's data type."""

    @abstractmethod
    def _rmatmat(self, X: Any) -> Any:
        """Return ``Aᴴ X`` for a block ``X`` of shape (m, k), which has the result's data type."""

    def _formula(self) -> str:
        """Return how the operator is made, for its `repr`."""
        return ""

    # products with arrays

    def matvec(self, x: Any) -> Any:
        """Return ``A @ x`` for a vector (n,), a block (n, k) or a stack (..., n, k)."""
        return self._product(self._matmat, x, self.shape[1], "A @ x")

    def rmatvec(self, x: Any) -> Any:
        """Return ``A.H @ x`` for a vector (m,), a block (m, k) or a stack (..., m, k)."""
        return self._product(self._rmatmat, x, self.shape[0], "A.H @ x")

    matmat = matvec
    rmatmat = rmatvec

    def _product(
        self,
        block_product: Callable[[Any], Any],
        x: Any,
        rows: int,
        formula: str,
        name: str = "x",
    ) -> Any:
        xp = self.xp
        if type(x) is not np.ndarray or not is_numpy(xp):  # what is plain is quickly known
            xp = namespace(self, x)
            device(self, x)
        if x.dtype != self.dtype:
            x = inexact(x, xp)
            x = xp.astype(x, xp.result_type(self.dtype, x.dtype), copy=False)
        if x.ndim == 0:
            raise ValueError(f"{name} is a scalar: {formula} needs {rows} rows")
        found = x.shape[0] if x.ndim == 1 else x.shape[-2]
        if found != rows:
            raise ValueError(
                f"{name} has {found} rows but A is {size_text(self.shape)}: "
                f"{formula} needs {rows} rows"
            )
        if x.ndim == 2:
            return block_product(x)
        if x.ndim == 1:
            return block_product(x[:, None])[:, 0]
        # a stack (..., n, k) is one wide block (n, ... k)
        columns = (*x.shape[:-2], x.shape[-1])
        wide = xp.reshape(xp.moveaxis(x, -2, 0), (rows, math.prod(columns)))
        y = block_product(wide)
        return xp.moveaxis(xp.reshape(y, (y.shape[0], *columns)), 0, -2)

    def __matmul__(self, other: Any) -> Any:
        if compat.is_array_api_obj(other):
            return self.matvec(other)
        if isinstance(other, list | tuple):
            namespace(other)  # says what to pass instead
        if not _is_matrix(other):
            return NotImplemented
        other = aslinearoperator(other)
        self._require_mate(other)
        if self.shape[1] != other.shape[0]:
            raise ValueError(
                f"A is {size_text(self.shape)} but B is {size_text(other.shape)}: "
                f"A @ B needs {self.shape[1]} rows in B"
            )
        return multiply(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        if not compat.is_array_api_obj(other):
            return aslinearoperator(other) @ self if _is_matrix(other) else NotImplemented
        m = self.shape[0]
        if other.ndim and other.shape[-1] != m:
            raise ValueError(
                f"x has {other.shape[-1]} columns but A is {size_text(self.shape)}: "
                f"x @ A needs {m} columns"
            )
        if other.ndim < 2:
            return self._product(self._tmatmat, other, m, "x @ A")
        xp = namespace(self, other)
        y = self._product(self._tmatmat, xp.matrix_transpose(other), m, "x @ A")
        return xp.matrix_transpose(y)

    def _tmatmat(self, X: Any) -> Any:
        # Aᵀ X is the conjugate of Aᴴ conj(X)
        return conjugate(self._rmatmat(conjugate(X, self.xp)), self.xp)

    # algebra

    def __add__(self, other: Any) -> LinearOperator:
        if isinstance(other, _scalars):
            raise TypeError(
                f"{other!r} is no matrix: write A + c * Identity(n), which keeps the structure"
            )
        if not _is_matrix(other):
            return NotImplemented
        other = aslinearoperator(other)
        self._require_mate(other)
        if self.shape != other.shape:
            raise ValueError(
                f"A is {size_text(self.shape)} but B is {size_text(other.shape)}: "
                "a sum needs equal shapes"
            )
        return add(self, other)

    def __radd__(self, other: Any) -> LinearOperator:
        return aslinearoperator(other) + self if _is_matrix(other) else NotImplemented

    def __sub__(self, other: Any) -> LinearOperator:
        return self + -aslinearoperator(other) if _is_matrix(other) else NotImplemented

    def __rsub__(self, other: Any) -> LinearOperator:
        return aslinearoperator(other) + -self if _is_matrix(other) else NotImplemented

    def __mul__(self, other: Any) -> LinearOperator:
        if not isinstance(other, _scalars):
            return NotImplemented
        # Python scalars promote the kind, never the precision
        return scale(self, other.item() if isinstance(other, np.number) else other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> LinearOperator:
        return self * (1 / other) if isinstance(other, _scalars) else NotImplemented

    def __neg__(self) -> LinearOperator:
        return self * -1

    @property
    def T(self) -> LinearOperator:
        """The transpose."""
        return transpose(self)

    @property
    def H(self) -> LinearOperator:
        """The adjoint: the conjugate transpose."""
        return adjoint(self)

    def conj(self) -> LinearOperator:
        """Return the entrywise conjugate."""
        return self.T.H if self.is_complex else self

    def __getitem__(self, key: Any) -> Any:
        return select(self, *parse(key, self))

    # what it is

    @property
    def is_complex(self) -> bool:
        """Whether the data type is complex."""
        return bool(self.xp.isdtype(self.dtype, "complex floating"))

    @property
    def real_dtype(self) -> Any:
        """The data type of moduli and eigenvalues."""
        return self.xp.finfo(self.dtype).dtype

    @property
    def parameters(self) -> int:
        """How many numbers the operator stores: none where its size says everything.

        Sparse matrices count without their indices, zeros that are stored in bands or triangles
        count, and what an operator of another package stores is not known and does not.
        """
        public = (part for name, part in self._made_of().items() if not name.startswith("_"))
        return sum(map(_stored, public))

    def _made_of(self) -> dict[str, Any]:
        """Return the attributes without what has been worked out from them and kept."""
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(type(self), name, None), functools.cached_property)
        }

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array.

        Raises
        ------
        ValueError
            If no machine could hold it.
        """
        self._require_formable(*self.shape)
        n = self.shape[1]
        return self._matmat(self.xp.eye(n, dtype=self.dtype, device=self.device))

    def _require_formable(self, *shape: int) -> None:
        if math.prod(shape) > _unformable:
            raise ValueError(
                f"A is {size_text(self.shape)}: "
                f"an array of {size_text(shape)} entries fits no machine"
            )

    def _scalar(self, value: complex, dtype: Any = None) -> Any:
        """Return a number as a scalar of the operator's library."""
        dtype = self.dtype if dtype is None else dtype
        return self.xp.asarray(value, dtype=dtype, device=self.device)

    def _require_mate(self, other: LinearOperator) -> None:
        namespace(self, other)
        device(self, other)

    def __repr__(self) -> str:
        formula = self._formula()
        made = f" = {formula}" if formula else ""
        return f"<{type(self).__name__} {size_text(self.shape)} {type_name(self.dtype)}{made}>"

    # immutable, but copied and pickled like any other object

    def __setattr__(self, name: str, value: Any) -> None:
        if "_sealed" in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__} is immutable: make a new operator instead of setting {name}"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be deleted")

    def __getstate__(self) -> dict[str, Any]:
        return {**self._made_of(), "xp": self.xp.__name__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, xp=importlib.import_module(state["xp"]))


rule(aslinearoperator, LinearOperator)(lambda A: A)


def conjugate(x: Any, xp: ModuleType) -> Any:
    """Return the conjugate of an array: itself, not a copy, where it is real."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def adjoint_of(x: Any, xp: ModuleType) -> Any:
    """Return the adjoint of an array: of every matrix, where it is a stack of them."""
    return conjugate(xp.matrix_transpose(x), xp)


def coarser(A: Any, B: Any) -> bool:
    """Tell whether an operator has a lower precision than a block: the result has the block's."""
    return bool(A.xp.finfo(A.dtype).eps > A.xp.finfo(B.dtype).eps)


def times(x: Any, scalar: complex, xp: ModuleType) -> Any:
    """Return a multiple of an array: a complex scalar makes it complex, none changes precision."""
    if isinstance(scalar, complex):
        x = xp.astype(x, xp.result_type(x.dtype, xp.complex64), copy=False)
    return x * scalar


def _is_matrix(x: Any) -> bool:
    return len(getattr(x, "shape", ())) > 0


def _stored(part: Any) -> int:
    if isinstance(part, LinearOperator):
        return part.parameters
    if isinstance(part, tuple):
        return sum(map(_stored, part))
    if hasattr(part, "nnz"):
        return int(part.nnz)
    return math.prod(part.shape) if compat.is_array_api_obj(part) else 0


def size_text(shape: tuple[int, ...]) -> str:
    """Return a shape as it stands in messages: ``20x16``."""
    return "x".join(map(str, shape))
