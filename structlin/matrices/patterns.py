"""Supports of Kronecker-sparse matrices, and how they chain."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from structlin.matrices._base import size_text


class Pattern(NamedTuple):
    """The support ``I_a ⊗ 1_{b×c} ⊗ I_d`` of a Kronecker-sparse matrix.

    Parameters
    ----------
    a, b, c, d : int
        Copies along the diagonal, rows and columns of a block, and the spacing of its entries.

    Notes
    -----
    Two patterns are *chainable* if the product of any matrices on them lies on a third pattern,
    which is built of disjoint blocks of one bounded rank: ``a₁`` divides ``a₂``, ``d₂`` divides
    ``d₁``, and ``a₁ c₁ / a₂ = b₂ d₂ / d₁`` is an integer ``r``. The product lies on
    ``(a₁, b₁ d₁/d₂, a₂ c₂/a₁, d₂)`` and falls into ``a₂ d₁`` disjoint blocks of size ``b₁ × c₂``,
    each of rank ``r`` at most. If ``r ≥ min(b₁, c₂)`` that says nothing, and the pair is called
    redundant: one factor would do.

    Examples
    --------
    >>> first, second = Pattern(1, 2, 2, 4), Pattern(2, 2, 2, 2)
    >>> first.shape, first.rank(second), first.fused(second)
    ((8, 8), 1, Pattern(a=1, b=4, c=4, d=2))
    """

    a: int
    b: int
    c: int
    d: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: ``a b d × a c d``."""
        return self.a * self.b * self.d, self.a * self.c * self.d

    @property
    def T(self) -> Pattern:
        """The pattern of the transpose."""
        return Pattern(self.a, self.c, self.b, self.d)

    def obstacle(self, other: Pattern) -> str:
        """Return which condition keeps this pattern and the next from being chained, or ``""``."""
        columns, rows = self.shape[1], other.shape[0]
        if not math.prod(self) * math.prod(other):
            return "a pattern is empty"
        if columns != rows:
            return f"the first has a c d = {columns} columns, the second a b d = {rows} rows"
        if other.a % self.a:
            return f"a = {self.a} of the first does not divide a = {other.a} of the second"
        if self.d % other.d:
            return f"d = {other.d} of the second does not divide d = {self.d} of the first"
        if self.a * self.c % other.a:
            return (
                f"a = {other.a} of the second does not divide a c = {self.a * self.c} of the first"
            )
        return ""

    def rank(self, other: Pattern) -> int:
        """Return the rank of the blocks of a product with a matrix on the next pattern."""
        return self.a * self.c // other.a

    def fused(self, other: Pattern) -> Pattern:
        """Return the pattern of a product with a matrix on the next pattern."""
        return Pattern(self.a, self.b * self.d // other.d, other.a * other.c // self.a, other.d)

    def is_redundant(self, other: Pattern) -> bool:
        """Tell whether one factor on the fused pattern says as much as the two."""
        return self.rank(other) >= min(self.b, other.c)


def as_pattern(sizes: Any) -> Pattern:
    """Return four non-negative integers as a pattern."""
    try:
        pattern = Pattern(*map(operator.index, sizes))
    except TypeError:
        raise ValueError(f"{sizes!r} is no pattern: give four integers (a, b, c, d)") from None
    if min(pattern) < 0:
        raise ValueError(f"{tuple(pattern)} is no pattern: a size is negative")
    return pattern


def runs_forward(patterns: Sequence[Pattern]) -> bool:
    """Tell whether neighbours are chainable, rather than their transposes; raise if neither is.

    Both orders occur: the transpose, and the inverse, of a product whose ``a`` grows is one whose
    ``a`` shrinks.
    """
    if not patterns:
        raise ValueError("the chain has no factors: give one at least")
    for pattern in patterns:
        if not math.prod(pattern):
            raise ValueError(f"pattern {tuple(pattern)} of the chain is empty: leave no size zero")
    forward = _first_obstacle(patterns)
    backward = _first_obstacle(transposed(patterns)) if forward else ""
    if forward and backward:
        sizes = ", ".join(str(tuple(pattern)) for pattern in patterns)
        raise ValueError(
            f"patterns {sizes} are not chainable: {forward}; nor are the transposes, in reverse "
            f"order: {backward}"
        )
    return not forward


def _first_obstacle(patterns: Sequence[Pattern]) -> str:
    for i, (first, second) in enumerate(itertools.pairwise(patterns)):
        if obstacle := first.obstacle(second):
            return f"of the patterns {i} and {i + 1}, {obstacle}"
    return ""


def transposed(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """Return the patterns of the transposed product."""
    return tuple(pattern.T for pattern in reversed(patterns))


def butterfly_patterns(n: int) -> tuple[Pattern, ...]:
    """Return the square-dyadic butterfly: ``(2ⁱ, 2, 2, n/2ⁱ⁺¹)`` for ``i = 0, …, log₂ n − 1``.

    Parameters
    ----------
    n : int
        Rows and columns: a power of two, at least 2.

    Returns
    -------
    tuple of Pattern
        ``log₂ n`` patterns of ``2 n`` entries each. Their product has full support; the blocks of
        its splits have rank 1.

    Raises
    ------
    ValueError
        If ``n`` is no power of two, or 1.

    Examples
    --------
    >>> [tuple(pattern) for pattern in butterfly_patterns(8)]
    [(1, 2, 2, 4), (2, 2, 2, 2), (4, 2, 2, 1)]
    """
    n = operator.index(n)
    if n < 2 or n & (n - 1):
        raise ValueError(f"n is {n}: a butterfly needs a power of two, at least 2")
    stages = range(n.bit_length() - 1)
    return tuple(Pattern(2**i, 2, 2, n >> (i + 1)) for i in stages)


def monarch_patterns(m: int, n: int, p: int, q: int) -> tuple[Pattern, Pattern]:
    """Return the two patterns of a Monarch matrix: ``(1, p, q, m/p)`` and ``(q, m/p, n/q, 1)``.

    Parameters
    ----------
    m, n : int
        Rows and columns of the product.
    p, q : int
        Divisors of ``m`` and of ``n``.

    Returns
    -------
    (Pattern, Pattern)
        Chainable patterns; the product falls into ``q m/p`` blocks of size ``p × n/q`` and rank 1.

    Raises
    ------
    ValueError
        If ``p`` and ``q`` do not divide ``m`` and ``n``, or one of the numbers is not positive.

    Examples
    --------
    >>> [tuple(pattern) for pattern in monarch_patterns(6, 8, 2, 4)]
    [(1, 2, 4, 3), (4, 3, 2, 1)]
    """
    m, n, p, q = map(operator.index, (m, n, p, q))
    if min(m, n, p, q) < 1 or m % p or n % q:
        raise ValueError(
            f"p = {p} and q = {q} do not divide a {size_text((m, n))} matrix: "
            "p has to divide the rows and q the columns"
        )
    return Pattern(1, p, q, m // p), Pattern(q, m // p, n // q, 1)


class Seam:
    """Where two chainable patterns meet: their values and the blocks of their product.

    With ``s = a₂/a₁``, ``t = d₁/d₂`` and the rank ``r``, the inner index of a product is
    ``(i, σ, ρ, τ, l)`` of sizes ``(a₁, s, r, t, d₂)``: the columns ``(i, (σ, ρ), (τ, l))`` of the
    left factor and the rows ``((i, σ), (ρ, τ), l)`` of the right one. Only ``ρ`` is summed, so
    that block ``(i, σ, τ, l)`` of the product is a ``b₁ × r`` times an ``r × c₂`` matrix. All
    blocks are stacked as ``(a₁, s, t, d₂, ·, ·)``.
    """

    def __init__(self, left: Pattern, right: Pattern) -> None:
        self.left, self.right, self.fused = left, right, left.fused(right)
        self.rank = left.rank(right)
        self.redundant = left.is_redundant(right)
        a, s, t, d = left.a, right.a // left.a, left.d // right.d, right.d
        # the values' axes taken apart, and the axes of the blocks among them
        self._left = (a, left.b, s, self.rank, t, d), (0, 2, 4, 5, 1, 3)
        self._right = (a, s, self.rank, t, right.c, d), (0, 1, 3, 5, 2, 4)
        self._fused = (a, left.b, t, s, right.c, d), (0, 3, 2, 5, 1, 4)

    def left_blocks(self, values: Any, xp: Any) -> Any:
        """Return the blocks (a₁, s, t, d₂, b₁, r) of the left factor."""
        return _taken_apart(values, *self._left, xp)

    def right_blocks(self, values: Any, xp: Any) -> Any:
        """Return the blocks (a₁, s, t, d₂, r, c₂) of the right factor."""
        return _taken_apart(values, *self._right, xp)

    def blocks(self, values: Any, xp: Any) -> Any:
        """Return the blocks (a₁, s, t, d₂, b₁, c₂) of the product."""
        return _taken_apart(values, *self._fused, xp)

    def left_values(self, blocks: Any, xp: Any) -> Any:
        """Return the values of the left factor with these blocks."""
        return _put_together(blocks, self.left, self._left[1], xp)

    def right_values(self, blocks: Any, xp: Any) -> Any:
        """Return the values of the right factor with these blocks."""
        return _put_together(blocks, self.right, self._right[1], xp)

    def values(self, blocks: Any, xp: Any) -> Any:
        """Return the values of the product with these blocks."""
        return _put_together(blocks, self.fused, self._fused[1], xp)


def _taken_apart(values: Any, shape: tuple[int, ...], axes: tuple[int, ...], xp: Any) -> Any:
    return xp.permute_dims(xp.reshape(values, shape), axes)


def _put_together(blocks: Any, pattern: Iterable[int], axes: tuple[int, ...], xp: Any) -> Any:
    inverse = tuple(axes.index(axis) for axis in range(len(axes)))
    return xp.reshape(xp.permute_dims(blocks, inverse), tuple(pattern))
