"""CPU twin of `structlin._kernels.khatri_rao_core`: products are formed in one reused block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from structlin._kernels.khatri_rao_core import block_of_terms, halves


def khatri_rao_core(weights: Any, factors: Sequence[Any]) -> Any:
    """Twin of `structlin._kernels.khatri_rao_core.khatri_rao_core`."""
    terms, shape = len(weights), [len(U) for U in factors]
    cut = halves(shape)
    rows, columns = math.prod(shape[:cut]), math.prod(shape[cut:])
    step = min(block_of_terms(rows + columns, weights), max(terms, 1))
    weights = np.ascontiguousarray(weights)
    left, right = (np.empty(size * step, weights.dtype) for size in (rows, columns))
    out, product = (np.zeros((rows, columns), weights.dtype) for _ in range(2))
    for start in range(0, terms, step):
        part = slice(start, min(start + step, terms))
        size = part.stop - start
        blocks = [np.ascontiguousarray(U[:, part]) for U in factors]
        one = np.ones(size, weights.dtype)
        A = _products(weights[part], blocks[:cut], left[: rows * size].reshape(rows, size))
        B = _products(one, blocks[cut:], right[: columns * size].reshape(columns, size))
        out += np.matmul(A, B.T, out=product)
    return out.reshape(shape)


def _products(first: Any, blocks: Sequence[Any], out: Any) -> Any:
    """Write the products of a vector with all combinations of rows, the last index the fastest."""
    *before, last = blocks or [np.ones((1, len(first)), first.dtype)]
    heads = first[None, :]
    for block in before:
        both = np.empty((len(heads) * len(block), len(first)), first.dtype)
        _multiply(heads, block, both)
        heads = both
    _multiply(heads, last, out)
    return out


@njit(cache=True, nogil=True)
def _multiply(A: Any, B: Any, out: Any) -> None:
    k = 0
    for i in range(A.shape[0]):
        a = A[i]
        for j in range(B.shape[0]):
            b, row = B[j], out[k]
            for q in range(a.size):
                row[q] = a[q] * b[q]
            k += 1
