"""Sums, products, multiples, adjoints and inverses of operators that have no better structure."""

from __future__ import annotations

import functools
import numbers
import operator
from typing import Any

from structlin.matrices._base import LinearOperator, conjugate, size_text
from structlin.matrices.functions import inv, solve
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    transpose,
)
from structlin.matrices.rules import answer, rule


class Sum(LinearOperator):
    """The sum of operators of equal shapes.

    Parameters
    ----------
    *terms : (m, n) operator, array or sparse matrix
        The terms.

    Raises
    ------
    ValueError
        If the terms have different shapes, or there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal, Identity, Kronecker
    >>> Kronecker(np.ones((2, 2)), np.eye(2)) + Diagonal(np.arange(4.0))
    <Sum 4x4 float64 = Kronecker + Diagonal>
    """

    terms: tuple[LinearOperator, ...]

    def __init__(self, *terms: Any) -> None:
        if not terms:
            raise ValueError("Sum() has no terms: give one at least")
        self.terms = tuple(map(aslinearoperator, terms))
        shapes = {term.shape for term in self.terms}
        if len(shapes) != 1:
            sizes = ", ".join(size_text(term.shape) for term in self.terms)
            raise ValueError(f"terms of shapes {sizes}: a sum needs terms of one shape")
        super().__init__(shapes.pop(), like=self.terms)

    def _matmat(self, X: Any) -> Any:
        return functools.reduce(operator.add, (term._matmat(X) for term in self.terms))

    def _rmatmat(self, X: Any) -> Any:
        return functools.reduce(operator.add, (term._rmatmat(X) for term in self.terms))

    def _formula(self) -> str:
        return " + ".join(map(_name, self.terms))


class Product(LinearOperator):
    """The product of operators of matching shapes.

    Parameters
    ----------
    *factors : operator, array or sparse matrix
        The factors, in the order in which they are written.

    Raises
    ------
    ValueError
        If there are no factors, or the sizes of neighbours do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Diagonal, Kronecker
    >>> Kronecker(np.ones((2, 2)), np.eye(2)) @ Diagonal(np.arange(4.0))
    <Product 4x4 float64 = Kronecker @ Diagonal>
    """

    factors: tuple[LinearOperator, ...]

    def __init__(self, *factors: Any) -> None:
        if not factors:
            raise ValueError("Product() has no factors: give one at least")
        self.factors = tuple(map(aslinearoperator, factors))
        for A, B in zip(self.factors, self.factors[1:], strict=False):
            if A.shape[1] != B.shape[0]:
                raise ValueError(
                    f"factors {size_text(A.shape)} and {size_text(B.shape)} stand side by side: "
                    f"the second needs {A.shape[1]} rows"
                )
        super().__init__((self.factors[0].shape[0], self.factors[-1].shape[1]), like=self.factors)

    def _matmat(self, X: Any) -> Any:
        for factor in reversed(self.factors):
            X = factor._matmat(X)
        return X

    def _rmatmat(self, X: Any) -> Any:
        for factor in self.factors:
            X = factor._rmatmat(X)
        return X

    def _formula(self) -> str:
        return " @ ".join(map(_name, self.factors))


class Scaled(LinearOperator):
    """A multiple of an operator.

    Parameters
    ----------
    scalar : number
        The factor; it never changes the precision.
    operator : operator, array or sparse matrix
        What is multiplied.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Kronecker
    >>> 2 * Kronecker(np.ones((2, 2)), np.eye(2))
    <Scaled 4x4 float64 = 2 * Kronecker>
    """

    scalar: complex
    operator: LinearOperator

    def __init__(self, scalar: complex, operator: Any) -> None:
        if not isinstance(scalar, numbers.Number):
            raise TypeError(f"scalar is of type {type(scalar).__name__}: pass a number")
        self.scalar = scalar
        self.operator = A = aslinearoperator(operator)
        wide = A.xp.result_type(A.dtype, A.xp.complex64) if isinstance(scalar, complex) else A.dtype
        super().__init__(A.shape, wide, like=A)

    @property
    def parameters(self) -> int:
        """One more than the operator stores."""
        return 1 + self.operator.parameters

    def _matmat(self, X: Any) -> Any:
        return self.operator._matmat(X) * self.scalar

    def _rmatmat(self, X: Any) -> Any:
        return self.operator._rmatmat(X) * self.scalar.conjugate()

    def _formula(self) -> str:
        return f"{self.scalar:g} * {_name(self.operator)}"


class Adjoint(LinearOperator):
    """The adjoint (conjugate transpose) of an operator.

    Parameters
    ----------
    operator : operator, array or sparse matrix
        What is adjoined.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Vandermonde
    >>> Vandermonde(np.array([1.0, 2.0])).H
    <Adjoint 2x2 float64 = Vandermonde.H>
    """

    operator: LinearOperator

    def __init__(self, operator: Any) -> None:
        self.operator = aslinearoperator(operator)
        super().__init__(self.operator.shape[::-1], like=self.operator)

    def _matmat(self, X: Any) -> Any:
        return self.operator._rmatmat(X)

    def _rmatmat(self, X: Any) -> Any:
        return self.operator._matmat(X)

    @functools.cached_property
    def twin(self) -> LinearOperator:
        """What the structure of the operator makes of its adjoint."""
        return self.operator.H

    @functools.cached_property
    def inverse(self) -> LinearOperator:
        """The inverse, which keeps its factorisations."""
        return inv(self.operator).H if isinstance(self.twin, Adjoint) else Inverse(self.twin)

    def _formula(self) -> str:
        return f"{_name(self.operator)}.H"


class Transpose(LinearOperator):
    """The transpose of a complex operator.

    Parameters
    ----------
    operator : operator, array or sparse matrix
        What is transposed.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Vandermonde
    >>> Vandermonde(np.array([1j, 2.0])).T
    <Transpose 2x2 complex128 = Vandermonde.T>
    """

    operator: LinearOperator

    def __init__(self, operator: Any) -> None:
        self.operator = aslinearoperator(operator)
        super().__init__(self.operator.shape[::-1], like=self.operator)

    def _matmat(self, X: Any) -> Any:
        # Aᵀ X is the conjugate of Aᴴ conj(X)
        return conjugate(self.operator._rmatmat(conjugate(X, self.xp)), self.xp)

    def _rmatmat(self, X: Any) -> Any:
        return conjugate(self.operator._matmat(conjugate(X, self.xp)), self.xp)

    @functools.cached_property
    def twin(self) -> LinearOperator:
        """What the structure of the operator makes of its transpose."""
        return self.operator.T

    @functools.cached_property
    def inverse(self) -> LinearOperator:
        """The inverse, which keeps its factorisations."""
        return inv(self.operator).T if isinstance(self.twin, Transpose) else Inverse(self.twin)

    def _formula(self) -> str:
        return f"{_name(self.operator)}.T"


class Inverse(LinearOperator):
    """The inverse of an operator, whose products are solutions.

    Parameters
    ----------
    operator : (n, n) operator, array or sparse matrix
        What is inverted.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Vandermonde, inv
    >>> inv(Vandermonde(np.array([1.0, 2.0])))
    <Inverse 2x2 float64 = inv(Vandermonde)>
    """

    operator: LinearOperator

    def __init__(self, operator: Any) -> None:
        self.operator = aslinearoperator(operator)
        self._adjoint = self.operator.H  # keeps its own factorisation
        super().__init__(self.operator.shape, like=self.operator)

    def _matmat(self, X: Any) -> Any:
        return answer(solve, self.operator, then=(X,))

    def _rmatmat(self, X: Any) -> Any:
        return answer(solve, self._adjoint, then=(X,))

    def _formula(self) -> str:
        return f"inv({_name(self.operator)})"


def _name(A: LinearOperator) -> str:
    formula = A._formula() if isinstance(A, (Scaled, Adjoint, Transpose, Inverse)) else ""
    return formula or type(A).__name__


# A + B, A @ B, c A


@rule(add, LinearOperator, LinearOperator)
def _add(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    if not isinstance(A, Sum) and not isinstance(B, Sum):
        return Sum(A, B)
    terms = list(A.terms if isinstance(A, Sum) else (A,))
    for new in B.terms if isinstance(B, Sum) else (B,):
        for i, old in enumerate(terms):
            merged = old + new
            if not isinstance(merged, Sum):
                terms[i] = merged
                break
        else:
            terms.append(new)
    return Sum(*terms) if len(terms) > 1 else terms[0]


@rule(multiply, LinearOperator, LinearOperator)
def _multiply(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    if not isinstance(A, Product) and not isinstance(B, Product):
        return Product(A, B)
    left = A.factors if isinstance(A, Product) else (A,)
    right = B.factors if isinstance(B, Product) else (B,)
    seam = left[-1] @ right[0]
    if isinstance(seam, Product):
        return Product(*left, *right)
    product: LinearOperator = functools.reduce(operator.matmul, (*left[:-1], seam, *right[1:]))
    return product


@rule(scale, LinearOperator)
def _scale(A: LinearOperator, scalar: complex) -> LinearOperator:
    return A if scalar == 1 and not isinstance(scalar, complex) else Scaled(scalar, A)


rule(scale, Scaled)(lambda A, scalar: scale(A.operator, A.scalar * scalar))
rule(multiply, Scaled, LinearOperator)(lambda A, B: scale(A.operator @ B, A.scalar))
rule(multiply, LinearOperator, Scaled)(lambda A, B: scale(A @ B.operator, B.scalar))

# Aᵀ, Aᴴ

rule(adjoint, LinearOperator)(lambda A: Adjoint(A))
rule(adjoint, Adjoint)(lambda A: A.operator)
rule(adjoint, Sum)(lambda A: Sum(*(term.H for term in A.terms)))
rule(adjoint, Product)(lambda A: Product(*(factor.H for factor in reversed(A.factors))))
rule(adjoint, Scaled)(lambda A: scale(A.operator.H, A.scalar.conjugate()))
rule(adjoint, Inverse)(lambda A: Inverse(A.operator.H))
rule(transpose, LinearOperator)(lambda A: Transpose(A) if A.is_complex else A.H)
rule(transpose, Transpose)(lambda A: A.operator)
rule(transpose, Sum)(lambda A: Sum(*(term.T for term in A.terms)))
rule(transpose, Product)(lambda A: Product(*(factor.T for factor in reversed(A.factors))))
rule(transpose, Scaled)(lambda A: scale(A.operator.T, A.scalar))
rule(transpose, Inverse)(lambda A: Inverse(A.operator.T))

# Hermitian where every part is

rule(is_hermitian, Sum)(lambda A: all(map(is_hermitian, A.terms)))
rule(is_hermitian, Scaled)(lambda A: A.scalar.imag == 0 and is_hermitian(A.operator))
rule(is_hermitian, Adjoint)(lambda A: is_hermitian(A.operator))
rule(is_hermitian, Transpose)(lambda A: is_hermitian(A.operator))
rule(is_hermitian, Inverse)(lambda A: is_hermitian(A.operator))
