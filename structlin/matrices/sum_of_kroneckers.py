"""Sums of Kronecker products whose factors have the same shapes."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

from structlin._backend import scipy_of
from structlin._norm import column_norms
from structlin._validation import require_finite
from structlin.matrices._base import LinearOperator, adjoint_of, size_text, times
from structlin.matrices._hermitian import hermitian_part
from structlin.matrices._indices import Index
from structlin.matrices.algebra import Scaled
from structlin.matrices.dense import Dense
from structlin.matrices.diagonals import Diagonal, is_multiple_of_one
from structlin.matrices.functions import eigh
from structlin.matrices.identity import Identity
from structlin.matrices.kronecker import Kronecker, of_one_precision, outer
from structlin.matrices.kronecker_sum import KroneckerSum
from structlin.matrices.operations import (
    add,
    adjoint,
    aslinearoperator,
    is_hermitian,
    multiply,
    scale,
    select,
    transpose,
)
from structlin.matrices.rules import rule

# how ill-conditioned the product of the matrices may be by which eigenproblems are reduced
_tame = 1e3


_Parts = tuple[tuple[complex, Kronecker], ...]


class SumOfKroneckers(LinearOperator):
    """A sum of Kronecker products: ``Σₜ cₜ Aₜ₁ ⊗ … ⊗ A_td``.

    Parameters
    ----------
    *terms : Kronecker or multiple of one
        At least one. Factors at the same place have the same shape in every term. Arrays of
        mixed precision take the highest.

    Attributes
    ----------
    terms : tuple of LinearOperator
        The terms.

    Raises
    ------
    ValueError
        If there are no terms, or factors at the same place have different shapes.
    TypeError
        If a term is no Kronecker product and no multiple of one.

    Notes
    -----
    Sums and differences of such products, and ``A ⊗ B + c I``, become one by themselves. A product
    costs that of all terms.

    `solve`, `slogdet` and `inv` are direct where every place has at most two different matrices,
    whatever the number of terms (``A ⊗ B + c I ⊗ I``, ``A ⊗ B + C ⊗ D``,
    ``K ⊗ M ⊗ M + M ⊗ K ⊗ M + M ⊗ M ⊗ K``, …). If all are Hermitian, and at each place one is the
    identity or positive definite and well-conditioned, generalised eigenproblems
    ``A v = λ C v`` make the sum diagonal (any array library). Otherwise ``A = Q S Zᴴ`` and
    ``C = Q T Zᴴ`` (generalised Schur forms, on NumPy) make it triangular. Matrices count as the
    same if they are the same object or have the same entries.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.matrices import Identity
    >>> A, B = np.array([[2.0, 1.0], [1.0, 2.0]]), np.diag([1.0, 2.0, 3.0])
    >>> Kronecker(A, B) + 2 * Identity(6)
    <SumOfKroneckers 6x6 float64 = 2x2 ⊗ 3x3, 2 terms>
    """

    terms: tuple[LinearOperator, ...]

    def __init__(self, *terms: Any) -> None:
        if not terms:
            raise ValueError("SumOfKroneckers() has no terms: give one Kronecker product at least")
        self._parts = _of_one_precision(_parted(aslinearoperator(term)) for term in terms)
        self.terms = tuple(c * P for c, P in self._parts)
        first, *others = [factor_shapes(P) for _, P in self._parts]
        for shapes in others:
            if shapes != first:
                raise ValueError(
                    f"terms {_shape_text(first)} and {_shape_text(shapes)}: "
                    "factors at the same place need the same shape"
                )
        super().__init__(self.terms[0].shape, like=self.terms)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(m for m, _ in factor_shapes(self._parts[0][1]))

    def _matmat(self, X: Any) -> Any:
        return _accumulated(term._matmat(X) for term in self.terms)

    def _rmatmat(self, X: Any) -> Any:
        return _accumulated(term._rmatmat(X) for term in self.terms)

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array."""
        self._require_formable(*self.shape)
        parts = (times(P.todense(), c, self.xp) for c, P in self._parts)
        return functools.reduce(operator.add, parts)

    def _formula(self) -> str:
        count = len(self.terms)
        return f"{self._parts[0][1]._formula()}, {count} term{'s' if count > 1 else ''}"

    # factorisations, kept for the next right-hand side

    @functools.cached_property
    def _pencils(self) -> Any:
        """The sum as `Pencils` of at most two matrices for each place, or None."""
        weights = [c for c, _ in self._parts]
        places, choices = [], []
        for place in zip(*(P.factors for _, P in self._parts), strict=True):
            matrices: list[LinearOperator] = []
            chosen = []
            for t, F in enumerate(place):
                if isinstance(F, Scaled):
                    weights[t], F = weights[t] * F.scalar, F.operator
                known = (i for i, G in enumerate(matrices) if same(F, G))
                i = next(known, len(matrices))
                if i == len(matrices):
                    matrices.append(F)
                chosen.append(i)
            if len(matrices) > 2:
                return None
            places.append(tuple(matrices))
            choices.append(chosen)
        return Pencils(tuple(weights), tuple(places), tuple(zip(*choices, strict=True)))

    @functools.cached_property
    def _spectral(self) -> Any:
        """A Hermitian sum as `Diagonalised`, or None where no matrix is definite and tame."""
        pencils = self._pencils
        if pencils is None:
            return None
        self._require_formable(self.shape[0])
        values, bases, logarithms, condition = [], [], [], 1.0
        for matrices in pencils.places:
            reduced = _reduce(matrices)
            if reduced is None:
                return None
            spectra, V, scales = reduced
            condition *= float(self.xp.max(scales) / self.xp.min(scales)) if scales.shape[0] else 1
            values.append(spectra)
            bases.append(V)
            logarithms.append(self.xp.sum(self.xp.log(scales)))
        if not condition <= _tame:
            return None
        combined, size = pencils.combine(values, self.xp)
        if self.xp.isdtype(combined.dtype, "complex floating"):
            combined = self.xp.real(combined)  # the weights are real
        return Diagonalised(combined, size, Kronecker(*bases), tuple(logarithms))

    @functools.cached_property
    def _triangular(self) -> Triangulated:
        """``A = Q T Zᴴ`` with unitary ``Q`` and ``Z``, and triangular matrices in ``T``."""
        pencils = self._pencils
        self._require_formable(self.shape[0])
        left, right, triangles = zip(*map(_triangulated, pencils.places), strict=True)
        spectra = [[self.xp.linalg.diagonal(T) for T in place] for place in triangles]
        values, _ = pencils.combine(spectra, self.xp)
        sizes = [[column_norms(T.reshape(-1, 1)) for T in place] for place in triangles]
        _, size = pencils.combine(sizes, self.xp)
        return Triangulated(values, size, Kronecker(*left), Kronecker(*right), triangles)


class Pencils(NamedTuple):
    """``Σₜ weightsₜ ⊗ᵢ places[i][choices[t][i]]``."""

    weights: tuple[complex, ...]
    places: tuple[tuple[LinearOperator, ...], ...]
    choices: tuple[tuple[int, ...], ...]

    def combine(self, values: Any, xp: Any) -> tuple[Any, Any]:
        """Return the same sum of vectors in place of the matrices, and the size of its terms."""
        total: Any = 0
        size: Any = 0
        for weight, chosen in zip(self.weights, self.choices, strict=True):
            row = [place[i] for place, i in zip(values, chosen, strict=True)]
            term = times(outer(row, operator.mul, xp), weight, xp)
            total, size = total + term, size + xp.abs(term)
        return total, xp.max(size) if 0 not in size.shape else xp.sum(size)


class Diagonalised(NamedTuple):
    """``Vᴴ A V = diag(values)``; the terms of the values are at most ``size``."""

    values: Any
    size: Any
    V: Kronecker
    logarithms: tuple[Any, ...]  # -2 log |det V_i|


class Triangulated(NamedTuple):
    """``A = Q T Zᴴ``: the diagonal of ``T``, the size of its terms, and matrices at each place."""

    values: Any
    size: Any
    Q: Kronecker
    Z: Kronecker
    triangles: tuple[Any, ...]


def _parted(term: LinearOperator) -> tuple[complex, Kronecker]:
    """Return ``c`` and ``A`` of a multiple ``c A`` of a Kronecker product."""
    c, P = (term.scalar, term.operator) if isinstance(term, Scaled) else (1, term)
    if not isinstance(P, Kronecker):
        raise TypeError(f"{term!r} is no Kronecker product and no multiple of one")
    return c, P


def _of_one_precision(terms: Iterable[tuple[complex, Kronecker]]) -> _Parts:
    parts = tuple(terms)
    factors = iter(of_one_precision(F for _, P in parts for F in P.factors))
    return tuple((c, Kronecker(*itertools.islice(factors, len(P.factors)))) for c, P in parts)


def factor_shapes(A: Any) -> tuple[tuple[int, int], ...]:
    """Return the shapes of the factors."""
    return tuple(F.shape for F in A.factors)


def _shape_text(shapes: tuple[tuple[int, int], ...]) -> str:
    return " ⊗ ".join(map(size_text, shapes))


def same(F: LinearOperator, G: LinearOperator) -> bool:
    """Tell whether two operators are known to be the same matrix."""
    if F is G or (isinstance(F, Identity) and isinstance(G, Identity)):
        return True
    for kind, entries in ((Dense, "array"), (Diagonal, "entries")):
        if isinstance(F, kind) and isinstance(G, kind):
            a, b = getattr(F, entries), getattr(G, entries)
            return a is b or bool(F.xp.all(a == b))
    return False


def _accumulated(parts: Any) -> Any:
    total = next(parts)
    for part in parts:
        total += part
    return total


def _reduce(matrices: tuple[LinearOperator, ...]) -> Any:
    """Return what makes one or two Hermitian matrices diagonal: ``Vᴴ M V = diag(spectrum)``.

    With the spectra and ``V`` come the eigenvalues of the matrix that becomes the identity.
    """
    xp = matrices[0].xp
    spectra = [eigh(M) for M in matrices]
    values = [w for w, _ in spectra]
    ones = xp.ones_like(values[0])
    if len(matrices) == 1:
        return values, spectra[0].eigenvectors, ones
    for i, M in enumerate(matrices):
        if isinstance(M, Identity):
            return values, spectra[1 - i].eigenvectors, ones
    if ones.shape[0] == 0:
        return values, spectra[0].eigenvectors, ones
    spreads = [float(xp.min(w) / xp.max(w)) if bool(xp.min(w) > 0) else 0.0 for w in values]
    i = spreads.index(max(spreads))
    if not spreads[i] > 0:
        return None
    # M^(-1/2) P M^(-1/2) has the spectrum of P v = λ M v
    root = spectra[i].eigenvectors.todense() / xp.sqrt(values[i])
    P = xp.matmul(adjoint_of(root, xp), matrices[1 - i] @ root)
    w, W = xp.linalg.eigh(hermitian_part(P, xp))
    reduced = [xp.ones_like(w), w] if i == 0 else [w, xp.ones_like(w)]
    return reduced, Dense(xp.matmul(root, W)), values[i]


def _triangulated(matrices: tuple[LinearOperator, ...]) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return unitary ``Q``, ``Z`` and triangular ``Tᵢ`` with ``Mᵢ = Q Tᵢ Zᴴ``."""
    linalg = scipy_of(matrices[0].xp, "linalg")
    dense = [M.todense() for M in matrices]
    for M in dense:
        require_finite("A", M)
    general = [i for i, M in enumerate(matrices) if not isinstance(M, Identity)]
    if len(general) == 2:
        S, T, Q, Z = linalg.qz(*dense, output="complex")
        return Q, Z, (S, T)
    triangles = [M + 0j for M in dense]
    Q = triangles[0]
    if general:
        triangles[general[0]], Q = linalg.schur(dense[general[0]], output="complex")
    return Q, Q, tuple(triangles)


# algebra

rule(adjoint, SumOfKroneckers)(lambda A: SumOfKroneckers(*(term.H for term in A.terms)))
rule(transpose, SumOfKroneckers)(lambda A: SumOfKroneckers(*(term.T for term in A.terms)))
rule(scale, SumOfKroneckers)(lambda A, c: SumOfKroneckers(*(c * term for term in A.terms)))
rule(is_hermitian, SumOfKroneckers)(lambda A: all(map(is_hermitian, A.terms)))


@rule(multiply, SumOfKroneckers, Kronecker)
@rule(multiply, Kronecker, SumOfKroneckers)
def _multiply(A: LinearOperator, B: LinearOperator) -> Any:
    left, right = _parts(A), _parts(B)
    if [n for _, n in factor_shapes(left[0][1])] != [m for m, _ in factor_shapes(right[0][1])]:
        return NotImplemented
    return SumOfKroneckers(*(c * d * (P @ Q) for (c, P), (d, Q) in itertools.product(left, right)))


@rule(select, SumOfKroneckers)
def _select(A: SumOfKroneckers, rows: Index, columns: Index) -> Any:
    if not isinstance(rows, int) and not isinstance(columns, int):
        return NotImplemented
    parts = (times(select(P, rows, columns), c, A.xp) for c, P in A._parts)
    return functools.reduce(operator.add, parts)


# sums of Kronecker products, Kronecker sums and multiples of one


def _parts(A: LinearOperator) -> _Parts:
    return A._parts if isinstance(A, SumOfKroneckers) else (_parted(A),)


def _shapes(A: LinearOperator) -> Any:
    """Return the shapes of the factors; those of a multiple of one follow from other terms."""
    if isinstance(A, SumOfKroneckers):
        return factor_shapes(A._parts[0][1])
    P = A.operator if isinstance(A, Scaled) and isinstance(A.operator, Kronecker) else A
    return factor_shapes(P) if isinstance(P, Kronecker | KroneckerSum) else None


def _joins(A: LinearOperator, B: LinearOperator) -> bool:
    """Tell whether two operators are one sum of Kronecker products."""
    if all(isinstance(C, KroneckerSum) or is_multiple_of_one(C) for C in (A, B)):
        return False
    a, b = _shapes(A), _shapes(B)
    if a and b:
        return bool(a == b)
    shapes, other = (a, B) if a else (b, A)
    return bool(shapes) and is_multiple_of_one(other) and all(m == n for m, n in shapes)


def _terms(A: LinearOperator, sizes: list[int]) -> _Parts:
    ones = [Identity(n, like=A) for n in sizes]
    if is_multiple_of_one(A):
        return ((A.scalar if isinstance(A, Scaled) else 1, Kronecker(*ones)),)
    if isinstance(A, KroneckerSum):
        places = enumerate(A.factors)
        return tuple((1, Kronecker(*ones[:i], F, *ones[i + 1 :])) for i, F in places)
    return _parts(A)


def _join(A: LinearOperator, B: LinearOperator) -> LinearOperator:
    sizes = [n for _, n in _shapes(A) or _shapes(B)]
    terms = list(_terms(A, sizes))
    for new in _terms(B, sizes):
        merged = ((i, _merged(old, new)) for i, old in enumerate(terms))
        i, term = next(((i, term) for i, term in merged if term), (len(terms), new))
        terms[i : i + 1] = [term]
    scaled = [c * P for c, P in terms]
    return SumOfKroneckers(*scaled) if len(scaled) > 1 else scaled[0]


def _merged(old: tuple[complex, Kronecker], new: tuple[complex, Kronecker]) -> Any:
    """Return the sum of two terms as one if they differ in one factor at most."""
    (c, P), (d, Q) = old, new
    differing = [
        i for i, (F, G) in enumerate(zip(P.factors, Q.factors, strict=True)) if not same(F, G)
    ]
    if not differing:
        return c + d, P
    if len(differing) > 1:
        return None
    (i,) = differing
    factor = c * P.factors[i] + d * Q.factors[i]
    sum_of_both = Kronecker(*P.factors[:i], factor, *P.factors[i + 1 :])
    return (1, sum_of_both) if factor_shapes(sum_of_both) == factor_shapes(P) else None


_kinds = (Kronecker, KroneckerSum, SumOfKroneckers, Scaled, Identity)
for _pair in itertools.product(_kinds, repeat=2):
    rule(add, *_pair, when=_joins)(_join)
