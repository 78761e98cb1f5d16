"""Compiled twins of `structlin._kernels.monarch`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import monarch

# sums may be reordered, so that they run in the vector unit; NaN and Inf stay what they are
_sums = {"reassoc", "contract", "nsz"}

# where the rows of a block are spread over more bytes, BLAS writes slowly, and a copy is cheaper
_reach = 2**23

# Lanczos stops where the eigenvalue is known to this part of what rank 1 leaves of the block
_tolerance = 1e-11
# and no closer than to this part of the whole, which is what rounding leaves
_floor = 4e-15


def multiply_stacks(stacks: Sequence[Any], X: Any) -> Any:
    """Twin of `structlin._kernels.monarch.multiply_stacks`: without copies where the axes fit.

    Every stack writes its result where the next one reads it: blocks one after the other, rows
    of a block side by side, which is what BLAS reads fast.
    """
    k = X.shape[1]
    plain_rows = all(F.dtype == X.dtype and F.flags.c_contiguous for F in stacks)
    if k == 1 and X.dtype.kind == "f" and plain_rows:
        return _multiply_vector(stacks, X)
    a, d, _, r = stacks[0].shape
    X = np.ascontiguousarray(X.reshape(a, r, d, k).transpose(0, 2, 1, 3))
    for i, F in enumerate(stacks):
        following = stacks[i + 1].shape if i + 1 < len(stacks) else None
        Y, room = _room(F.shape, following, k, X.dtype)
        _multiply(F.reshape(*room.shape[:3], *F.shape[2:]), X, room)
        if following is not None and Y.ndim == 4:  # the axes do not fit
            a, d, _, r = following
            Y = np.ascontiguousarray(Y.reshape(a, r, d, k).transpose(0, 2, 1, 3))
        X = Y
    return X.reshape(math.prod(X.shape[:-1]), k)


def _room(
    shape: tuple[int, ...], following: tuple[int, ...] | None, k: int, dtype: Any
) -> tuple[Any, Any]:
    """Return memory for a product, and how it is written as (·, ·, ·, s, k), block by block."""
    a, d, s, _ = shape
    if following is not None:
        before, after, _, r = following
        # the next axis is the last of those before this one, or the first of those after it
        if a == before * r and after == s * d:
            Y = np.empty((before, s, d, r, k), dtype=dtype)
            return Y, Y.transpose(0, 3, 2, 1, 4)
        if before == a * s and d == r * after:
            Y = np.empty((a, s, after, r, k), dtype=dtype)
            return Y, Y.transpose(0, 3, 2, 1, 4)
    Y = np.empty((a, s, d, k), dtype=dtype)
    return Y, Y[:, None].transpose(0, 1, 3, 2, 4)


def _multiply(blocks: Any, X: Any, room: Any) -> None:
    X = X.reshape(*blocks.shape[:3], blocks.shape[-1], X.shape[-1])
    if X.dtype.kind == "c" and blocks.dtype.kind == "f":
        # real blocks multiply real and imaginary parts, which are columns side by side
        X, room = X.view(X.real.dtype), room.view(X.real.dtype)
    if room.shape[3] * room.strides[3] <= _reach:
        np.matmul(blocks, X, out=room)
    else:
        room[...] = np.matmul(blocks, X)


def _multiply_vector(stacks: Sequence[Any], x: Any) -> Any:
    for F in stacks:
        a, d, s, r = F.shape
        x = np.ascontiguousarray(x.reshape(a, r, d).transpose(0, 2, 1))
        y = np.empty((a, d, s), dtype=x.dtype)
        _dots(F.reshape(a * d, s, r), x.reshape(a * d, r), y.reshape(a * d, s))
        x = np.ascontiguousarray(y.transpose(0, 2, 1))
    return x.reshape(x.size, 1)


@njit(cache=True, fastmath=_sums)
def _dots(blocks: Any, x: Any, y: Any) -> None:
    count, s, r = blocks.shape
    for i in range(count):
        block, operand, result = blocks[i], x[i], y[i]
        for row in range(s):
            entries = block[row]
            total = x.dtype.type(0)
            for j in range(r):
                total += entries[j] * operand[j]
            result[row] = total


def rank_one(blocks: Any, unit: float) -> tuple[Any, Any, Any]:
    """Twin of `structlin._kernels.monarch.rank_one`: Lanczos on the Gram matrix, block by block.

    Notes
    -----
    Lanczos on a Hermitian ``G`` stops at an eigenvalue ``θ`` of residual ``ρ`` where
    ``ρ ≤ 1e-11 (trace G − θ)``. Then the top eigenvalue lies within ``ρ`` of ``θ``, however close
    the next ones are, and the square of the misfit is within ``1e-11`` of its least value,
    relatively. A few steps do for smooth blocks and some 26 for noise of size 64, instead of a
    factorisation. The start is ``G g`` with fixed random numbers ``g``: patterns of zeros in the
    blocks cannot make it orthogonal to the answer. Blocks that are not done in as many steps as
    their size go to the plain function.
    """
    a, b, s, p = blocks.shape
    u = np.zeros((a, b, s), dtype=blocks.dtype)
    v = np.zeros((a, b, p), dtype=blocks.dtype)
    misfit = np.zeros((a, b), dtype=blocks.real.dtype)
    if blocks.size:
        exact = np.result_type(blocks.dtype, np.float64)
        start = np.random.default_rng(0).standard_normal(min(s, p)).astype(exact)
        _rank_one(blocks, 1 / unit, start, u, v, misfit)
        slow = misfit < 0
        if slow.any():
            rest = monarch.rank_one(blocks[slow][None], unit)
            u[slow], v[slow], misfit[slow] = (part[0] for part in rest)
    return u, v, misfit


@njit(cache=True, fastmath=_sums)
def _rank_one(blocks: Any, factor: float, start: Any, u: Any, v: Any, misfit: Any) -> None:
    rows, columns, s, p = blocks.shape
    B = np.empty((s, p), dtype=start.dtype)
    left, right = np.empty(s, dtype=start.dtype), np.empty(p, dtype=start.dtype)
    root_of_unit = math.sqrt(1 / factor)
    for a in range(rows):
        for b in range(columns):
            B[:] = blocks[a, b]
            for i in range(s):
                row = B[i]
                for j in range(p):
                    row[j] *= factor
            # the transposes of the Gram matrices, whose rows the products take
            if s < p:
                left[:], done = _top_vector(np.dot(np.conj(B), B.T), start)
            else:
                top, done = _top_vector(np.dot(B.T, np.conj(B)), start)
                for i in range(s):
                    left[i] = _sum_of_products(B[i], top)
            if not done:
                misfit[a, b] = -1.0
                continue
            _normalise(left)
            right[:] = 0
            for i in range(s):
                _add_multiple(right, np.conj(left[i]), B[i])
            squares = 0.0
            for i in range(s):
                _add_multiple(B[i], -left[i], right)
                squares += _square(B[i])
            misfit[a, b] = math.sqrt(squares)
            size = math.sqrt(_square(right))
            root = math.sqrt(size) * root_of_unit
            for i in range(s):
                u[a, b, i] = left[i] * root
            if size > 0:
                for j in range(p):
                    v[a, b, j] = right[j] * (root / size)


@njit(cache=True, fastmath=_sums)
def _sum_of_products(x: Any, y: Any) -> Any:
    total = y.dtype.type(0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@njit(cache=True, fastmath=_sums)
def _square(x: Any) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i].real * x[i].real + x[i].imag * x[i].imag
    return total


@njit(cache=True, fastmath=_sums)
def _add_multiple(y: Any, factor: Any, x: Any) -> None:
    for i in range(y.size):
        y[i] += factor * x[i]


@njit(cache=True, fastmath=_sums)
def _subtract_projection(z: Any, q: Any) -> float:
    """Subtract from ``z`` the real multiple of the unit vector ``q`` next to it; return which."""
    part = 0.0
    for i in range(q.size):
        part += q[i].real * z[i].real + q[i].imag * z[i].imag
    _add_multiple(z, -part, q)
    return part


@njit(cache=True, fastmath=_sums)
def _normalise(x: Any) -> float:
    size = math.sqrt(_square(x))
    if size > 1e-290:  # or its inverse would overflow
        inverse = 1 / size
        for i in range(x.size):
            x[i] *= inverse
    return size


@njit(cache=True, fastmath=_sums)
def _transposed_product(M: Any, x: Any, y: Any) -> None:
    """Write ``Mᵀ x`` into ``y``: four rows at a time."""
    n = M.shape[0]
    y[:] = 0
    for i in range(0, n - 3, 4):
        r0, r1, r2, r3 = M[i], M[i + 1], M[i + 2], M[i + 3]
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(y.size):
            y[j] += x0 * r0[j] + x1 * r1[j] + x2 * r2[j] + x3 * r3[j]
    for i in range(n - n % 4, n):
        _add_multiple(y, x[i], M[i])


@njit(cache=True, fastmath=_sums)
def _top_vector(transposed: Any, start: Any) -> Any:
    """Return the top eigenvector of a non-negative Hermitian matrix, and whether it was found."""
    d = start.size
    steps = d + 8  # a few more than in exact arithmetic
    basis = np.empty((steps + 1, d), dtype=start.dtype)
    alpha, beta = np.zeros(steps), np.zeros(steps + 1)  # beta[k] couples k - 1 and k
    trace = 0.0
    for i in range(d):
        trace += transposed[i, i].real
    _transposed_product(transposed, start, basis[0])
    _normalise(basis[0])
    done = False
    weights = np.ones(1)
    for k in range(steps):
        q, z = basis[k], basis[k + 1]
        _transposed_product(transposed, q, z)
        if k > 0:
            _add_multiple(z, -beta[k], basis[k - 1])
        alpha[k] = _subtract_projection(z, q)
        # twice, lest a remainder that is but rounding points along q
        alpha[k] += _subtract_projection(z, q)
        beta[k + 1] = _normalise(z)
        if k % 4 == 0 or k + 1 == d or beta[k + 1] <= _floor * trace:
            top, weights = _top_of_tridiagonal(alpha[: k + 1], beta[: k + 1])
            rest = max(_tolerance * (trace - top), _floor * trace)
            done = beta[k + 1] * abs(weights[k]) <= rest
            if done:
                break
    vector = np.zeros(d, dtype=start.dtype)
    for k in range(weights.size):
        _add_multiple(vector, weights[k], basis[k])
    return vector, done


@njit(cache=True)
def _top_of_tridiagonal(alpha: Any, beta: Any) -> Any:
    """Return the largest eigenvalue, and its unit vector, of a symmetric tridiagonal matrix.

    ``beta[i]`` couples ``i - 1`` and ``i``. Laguerre's iteration descends from Gershgorin's bound
    to the largest root of the characteristic polynomial, whose logarithmic derivatives come with
    the pivots of ``T - x I``; the vector comes from the pivots of both ends, which meet where
    they are smallest.
    """
    n = alpha.size
    weights = np.ones(n)
    if n == 1:
        return alpha[0], weights
    x = alpha[n - 1] + abs(beta[n - 1])
    for i in range(n - 1):
        x = max(x, alpha[i] + abs(beta[i + 1]) + (abs(beta[i]) if i else 0.0))
    x *= 1 + 4e-16
    for _ in range(60):
        first = second = 0.0
        pivot, slope, bend = 1.0, 0.0, 0.0
        for i in range(n):
            ratio = beta[i] * beta[i] / pivot if i else 0.0
            pivot = alpha[i] - x - ratio
            if pivot >= 0:  # rounding: x has arrived
                break
            bend = ratio * (bend - 2 * slope * slope) / pivot
            slope = (ratio * slope - 1) / pivot
            first += slope
            second += slope * slope - bend
        if pivot >= 0:
            break
        step = n / (first + math.sqrt(max((n - 1) * (n * second - first * first), 0.0)))
        x -= step
        if step <= 2e-16 * x:
            break
    down, up = np.empty(n), np.empty(n)
    tiny = 1e-18 * x + 1e-300
    for i in range(n):
        down[i] = alpha[i] - x - (beta[i] * beta[i] / down[i - 1] if i else 0.0)
        if abs(down[i]) < tiny:
            down[i] = -tiny
    for i in range(n - 1, -1, -1):
        up[i] = alpha[i] - x - (beta[i + 1] * beta[i + 1] / up[i + 1] if i + 1 < n else 0.0)
        if abs(up[i]) < tiny:
            up[i] = -tiny
    meet = np.argmin(np.abs(down + up - (alpha - x)))
    for i in range(meet, 0, -1):
        weights[i - 1] = -beta[i] * weights[i] / down[i - 1]
    for i in range(meet, n - 1):
        weights[i + 1] = -beta[i + 1] * weights[i] / up[i + 1]
    _normalise(weights)
    return x, weights
