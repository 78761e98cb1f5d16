"""Instances of Kronecker-sparse matrices and their chains."""

from __future__ import annotations

import math

from structlin.matrices import Butterfly, KroneckerSparse, KroneckerSparseChain, LinearOperator
from structlin.matrices.patterns import butterfly_patterns
from structlin.testing._draws import Draw, power_of_two, square, structure

_composite = (0, 1, 2, 4, 6, 8, 12)
_positive = (1, 2, 4, 6, 8, 12)


def _divisor(draw: Draw, n: int) -> int:
    return draw.choice([k for k in range(1, n + 1) if n % k == 0] or [1])


@structure(KroneckerSparse, sizes=_composite)
def kronecker_sparse(draw: Draw, m: int, n: int) -> LinearOperator:
    common = math.gcd(m, n)
    a = _divisor(draw, common)
    d = _divisor(draw, common // a)
    return KroneckerSparse(draw.entries(a, m // (a * d), n // (a * d), d))


@structure(KroneckerSparse, sizes=_composite, fits=square)
def kronecker_sparse_hermitian(draw: Draw, m: int, n: int) -> LinearOperator:
    A = kronecker_sparse(draw, n, n)
    return A + A.H


@structure(KroneckerSparseChain, sizes=_positive, fits=lambda m, n: min(m, n) > 0)
def kronecker_sparse_chain(draw: Draw, m: int, n: int) -> LinearOperator:
    # (1, b, s r, t d) and (s, r t, c, d) of a b t d × s c d matrix
    d = _divisor(draw, math.gcd(m, n))
    t, s = _divisor(draw, m // d), _divisor(draw, n // d)
    r = draw.integer(1, 2)
    left = draw.entries(1, m // (t * d), s * r, t * d)
    right = draw.entries(s, r * t, n // (s * d), d)
    return KroneckerSparseChain(left, right)


@structure(KroneckerSparseChain, sizes=_positive, fits=lambda m, n: m == n > 0)
def kronecker_sparse_chain_of_squares(draw: Draw, m: int, n: int) -> LinearOperator:
    # mixed radices p q u = n, forward or, by the transpose, backward
    p, q, u = draw.factors(n, 3)
    sizes = ((1, p, p, q * u), (p, q, q, u), (p * q, u, u, 1))
    chain = KroneckerSparseChain(*(draw.entries(*size) for size in sizes))
    return draw.choice([chain, chain.T])


@structure(Butterfly, sizes=(2, 4, 8), fits=lambda m, n: power_of_two(m, n) and n > 1)
def butterfly(draw: Draw, m: int, n: int) -> LinearOperator:
    return Butterfly(*(draw.entries(*pattern) for pattern in butterfly_patterns(n)))
