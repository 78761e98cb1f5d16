"""Sums, products, quotients and powers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Self, TypeVar

import numpy as np

from structlin._backend import namespace
from structlin.bases._basis import padded
from structlin.matrices._base import conjugate, times
from structlin.tensors import _core
from structlin.tensors._function.common import on_one_box
from structlin.tensors._function.products import divided, multiplied
from structlin.tensors._function.representation import Representation
from structlin.tensors.composition import apply
from structlin.tensors.tensor_train import TensorTrain

F = TypeVar("F", bound=Representation)

_operators: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: abs,
    np.conjugate: operator.methodcaller("conj"),
}


class Algebra(Representation):
    """Sums, products, quotients and powers."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Return what a function of NumPy makes of functions and numbers."""
        operands = [x if _is_function(x) else _number(x) for x in inputs]
        known = all(x is not None for x in operands)
        pointwise = method == "__call__" and ufunc.nout == 1 and ufunc.signature is None
        if not pointwise or options or not known:
            return NotImplemented
        if ufunc in _operators:
            return _operators[ufunc](*operands)
        function = getattr(self.xp, ufunc.__name__, ufunc)

        def composed(*values: Any) -> Any:
            rest = iter(values)
            return function(*(next(rest) if _is_function(x) else x for x in operands))

        composed.__name__ = ufunc.__name__
        return apply(composed, *(x for x in operands if _is_function(x)))

    def __pos__(self) -> Self:
        return self

    def __neg__(self) -> Self:
        return self._scaled(-1)

    def __add__(self, other: Any) -> Self:
        """Return the sum with a function or a number; errors are relative to the larger one."""
        term = self._operand(other)
        if term is None:
            return NotImplemented
        return added([self, term])

    __radd__ = __add__

    def __sub__(self, other: Any) -> Self:
        term = self._operand(other)
        if term is None:
            return NotImplemented
        return added([self, -term])

    def __rsub__(self, other: Any) -> Self:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Self:
        """Return the product with a function or a number.

        Coefficients are multiplied, as long as no more than ``2²⁴`` numbers come between; larger
        products are sampled.
        """
        mate = self._mate(other)
        if mate is not None:
            return multiplied(self, mate)
        number = _number(other)
        if number is None:
            return NotImplemented
        return self._scaled(number)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Self:
        """Return the quotient, which is built from its values unless the divisor is a number."""
        mate = self._mate(other)
        if mate is not None:
            return divided(self, mate)
        number = _number(other)
        if number is None:
            return NotImplemented
        return self._scaled(1 / number)

    def __rtruediv__(self, other: Any) -> Self:
        number = _number(other)
        if number is None:
            return NotImplemented
        return divided(self._constant(number), self)

    def __pow__(self, exponent: Any) -> Self:
        """Return a power: of integers from 0 on by products, of other exponents from its values."""
        mate = self._mate(exponent)
        if mate is not None:
            return apply(operator.pow, self, mate)
        number = _number(exponent)
        if number is None:
            return NotImplemented
        if not isinstance(number, int) or number < 0:
            return apply(_named(f"f**{number}", lambda values: values**number), self)
        if number == 0:
            return self._constant(1)
        powers, square = [], self
        while True:  # by squaring
            if number % 2:
                powers.append(square)
            number //= 2
            if not number:
                return reduce(multiplied, powers)
            square = multiplied(square, square)

    def __rpow__(self, base: Any) -> Self:
        number = _number(base)
        if number is None:
            return NotImplemented
        return apply(_named(f"{number}**f", lambda values: number**values), self)

    def __abs__(self) -> Self:
        """Return the absolute value, which has kinks where the function changes its sign."""
        return apply(_named("abs", lambda values: self.xp.abs(values)), self)

    def conj(self) -> Self:
        """Return the complex conjugate: the function itself if it is real."""
        if not self._is_complex():
            return self
        factors = [conjugate(U, self.xp) for U in self.factors]
        return self._new(_core.conjugated(self.core), factors, method="conj")

    @property
    def real(self) -> Self:
        """The real part, a function of a real data type."""
        if not self._is_complex():
            return self
        # the real and imaginary parts of the columns are columns, and the core takes the rest
        xp, factors, matrices = self.xp, [], []
        for U in self.factors:
            factors.append(xp.concat([xp.real(U), xp.imag(U)], axis=1))
            unit = xp.eye(U.shape[1], dtype=U.dtype, device=self.device)
            matrices.append(xp.concat([unit, 1j * unit]))
        core = _core.real_part(_core.mode_products(self.core, matrices))
        whole = self._new(core, factors, method="real part")
        return whole._compressed(self.report.tol * self._size())

    @property
    def imag(self) -> Self:
        """The imaginary part, a function of a real data type."""
        return self._scaled(-1j).real if self._is_complex() else self._scaled(0)

    def _is_complex(self) -> bool:
        return bool(self.xp.isdtype(self.dtype, "complex floating"))

    def _mate(self, other: Any) -> Self | None:
        """Return a function as it is, and None for all else."""
        return other if _is_function(other) else None

    def _operand(self, other: Any) -> Self | None:
        """Return a function as it is and a scalar as a constant function; None for all else."""
        mate, number = self._mate(other), _number(other)
        return mate if number is None else self._constant(number)

    def _scaled(self, number: complex) -> Self:
        core = self.core
        with np.errstate(over="ignore", invalid="ignore"):
            core = core * number if isinstance(core, TensorTrain) else times(core, number, self.xp)
        if not math.isfinite(_core.norm(core)):
            raise OverflowError(f"{number} times the function is too large for {self.dtype}")
        return self._new(core, self.factors, method="multiple")

    def _constant(self, number: complex) -> Self:
        """Return the function with this value everywhere, on the same box."""
        xp = self.xp
        one = xp.ones((1, 1), dtype=self.dtype, device=self.device)
        core = times(xp.reshape(one, (1,) * self.ndim), number, xp)
        tol = min(8 * float(xp.finfo(self.dtype).eps), self.report.tol)
        return self._new(core, [one] * self.ndim, method="constant", tol=tol)


def added(functions: Sequence[F]) -> F:
    """Return the sum of functions on one box, compressed to the largest of their errors."""
    first, *others = on_one_box(functions)
    xp, core, columns = first.xp, first.core, [[U] for U in first.factors]
    for f in others:
        core = _core.direct_sum(core, f.core)
        columns = [[*of, U] for of, U in zip(columns, f.factors, strict=True)]
    factors = []
    for of in columns:
        n = max(U.shape[0] for U in of)
        factors.append(xp.concat([padded(U, n) for U in of], axis=1))
    tol = min(f.report.tol for f in functions)
    error = max(f.report.tol * f._size() for f in functions)
    return first._new(core, factors, method="sum", others=others, tol=tol)._compressed(error)


def _is_function(x: Any) -> bool:
    return isinstance(x, Algebra)


def _number(x: Any) -> Any:
    """Return a scalar, whatever its library, as one of Python; None if it is something else.

    Like scalars of Python, it promotes the kind of a function, never its precision.

    Raises
    ------
    ValueError
        If it is NaN or Inf.
    """
    if isinstance(x, np.generic):
        x = x.item()
    elif getattr(x, "ndim", None) == 0 and hasattr(x, "dtype"):
        xp = namespace(x)
        x = complex(x) if xp.isdtype(x.dtype, "complex floating") else float(x)
    if not isinstance(x, (int, float, complex)):
        return None
    if not (math.isfinite(x.real) and math.isfinite(x.imag)):
        raise ValueError(f"the scalar is {x}: it must be finite")
    return int(x) if isinstance(x, bool) else x


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = name
    return function
