"""CPU twins of the multigrid transfers, line by line, and of the Galerkin product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from structlin._kernels import multigrid_transfers as plain
from structlin._kernels.multigrid_sweeps import Flags, Offsets, all_offsets
from structlin._kernels.multigrid_sweeps_numba import box, flags_of, spots, vectors
from structlin._kernels.multigrid_transfers import Axes


def restrict(r: Any, P: Any, axes: Axes) -> Any:
    """Return ``Pᵀ r``; batches go through the plain twin."""
    d = len(axes)
    if r.ndim != d:
        return plain.restrict(r, P, axes)
    P3 = box(P, d)
    out = np.empty(P3.shape[1:], r.dtype)
    _restrict(out, box(r, d), P3, vectors(plain.transfers(axes)), *_places(axes))
    return out.reshape(P.shape[1:])


def prolong(x: Any, e: Any, P: Any, axes: Axes) -> Any:
    """Return ``x + P e``; batches go through the plain twin."""
    d = len(axes)
    if x.ndim != d:
        return plain.prolong(x, e, P, axes)
    x3 = box(x, d)
    _prolong(x3, box(e, d), box(P, d), vectors(plain.transfers(axes)), *_places(axes))
    return x3.reshape(x.shape)


def _places(axes: Axes) -> tuple[Any, Any, tuple[bool, ...]]:
    """Return the first coarse points, the distances between them, and the periodic flags."""
    start, stride = np.zeros(3, np.int64), np.ones(3, np.int64)
    start[spots[len(axes)]] = [axis.start for axis in axes]
    stride[spots[len(axes)]] = [2 if axis.halved else 1 for axis in axes]
    return start, stride, flags_of(tuple(axis.periodic for axis in axes))


def galerkin(coefficients: Any, offsets: Offsets, periodic: Flags, P: Any, axes: Axes) -> Any:
    """Return the coefficients of ``Pᵀ A P``, with `all_offsets`."""
    if not plain.is_plain(axes):
        return plain.galerkin(coefficients, offsets, periodic, P, axes)
    d = len(axes)
    coefficients, steps = plain.unfolded(coefficients, offsets, axes)
    known = plain.transfers(axes)
    wanted = all_offsets(d)
    terms = []
    for i, first in enumerate(known):
        for j, step in enumerate(steps):
            for k, neighbour in enumerate(wanted):
                last = tuple(
                    o + s - (2 if axis.halved else 1) * q
                    for o, s, q, axis in zip(first, step, neighbour, axes, strict=True)
                )
                if last in known:
                    terms.append((i, j, known.index(last), k))
    P3 = box(P, d)
    out = np.zeros((len(wanted), *P3.shape[1:]), P.dtype)
    _galerkin(
        out,
        box(coefficients, d),
        P3,
        np.array(terms),
        vectors(known),
        vectors(wanted),
        *_places(axes),
    )
    return out.reshape(len(wanted), *P.shape[1:])


@njit(cache=True, inline="always")
def _wrapped(i: int, size: int, wraps: bool) -> int:
    """Return an index, brought back across a periodic side; −1 beyond any other."""
    if 0 <= i < size:
        return i
    if not wraps:
        return -1
    return i - size if i > 0 else i + size


@njit(cache=True)
def _restrict(out: Any, r: Any, P: Any, offsets: Any, start: Any, stride: Any, wraps: Any) -> None:
    m0, m1, m2 = out.shape
    n0, n1, n2 = r.shape
    for i in range(m0):
        for j in range(m1):
            total = out[i, j]
            line = r[start[0] + stride[0] * i, start[1] + stride[1] * j]
            for k in range(m2):
                total[k] = line[start[2] + stride[2] * k]
            for p in range(1, len(offsets)):
                i0 = _wrapped(start[0] + stride[0] * i + offsets[p, 0], n0, wraps[0])
                i1 = _wrapped(start[1] + stride[1] * j + offsets[p, 1], n1, wraps[1])
                if i0 < 0 or i1 < 0:
                    continue
                line, weight = r[i0, i1], P[p, i, j]
                at = start[2] + offsets[p, 2]
                first = 1 if at < 0 else 0
                stop = m2 if at + stride[2] * (m2 - 1) < n2 else m2 - 1
                for k in range(first, stop):
                    total[k] += weight[k] * line[at + stride[2] * k]
                if wraps[2]:
                    if first:
                        total[0] += weight[0] * line[n2 + at]
                    if stop < m2:
                        total[m2 - 1] += weight[m2 - 1] * line[at + stride[2] * (m2 - 1) - n2]


@njit(cache=True)
def _prolong(x: Any, e: Any, P: Any, offsets: Any, start: Any, stride: Any, wraps: Any) -> None:
    m0, m1, m2 = e.shape
    n0, n1, n2 = x.shape
    for i in range(m0):
        for j in range(m1):
            source = e[i, j]
            for p in range(len(offsets)):
                i0 = _wrapped(start[0] + stride[0] * i + offsets[p, 0], n0, wraps[0])
                i1 = _wrapped(start[1] + stride[1] * j + offsets[p, 1], n1, wraps[1])
                if i0 < 0 or i1 < 0:
                    continue
                line, weight = x[i0, i1], P[p, i, j]
                at = start[2] + offsets[p, 2]
                first = 1 if at < 0 else 0
                stop = m2 if at + stride[2] * (m2 - 1) < n2 else m2 - 1
                for k in range(first, stop):
                    line[at + stride[2] * k] += weight[k] * source[k]
                if wraps[2]:
                    if first:
                        line[n2 + at] += weight[0] * source[0]
                    if stop < m2:
                        line[at + stride[2] * (m2 - 1) - n2] += weight[m2 - 1] * source[m2 - 1]


@njit(cache=True)
def _galerkin(
    out: Any,
    coefficients: Any,
    P: Any,
    terms: Any,
    known: Any,
    wanted: Any,
    start: Any,
    stride: Any,
    wraps: Any,
) -> None:
    """Sum ``P[first, k] · A[step, k + first] · P[last, k + neighbour]`` over all ways there are."""
    m0, m1, m2 = out.shape[1:]
    n0, n1, n2 = coefficients.shape[1:]
    for i in range(m0):
        for j in range(m1):
            for t in range(len(terms)):
                first, step, last, neighbour = terms[t]
                i0 = _wrapped(start[0] + stride[0] * i + known[first, 0], n0, wraps[0])
                i1 = _wrapped(start[1] + stride[1] * j + known[first, 1], n1, wraps[1])
                k0 = _wrapped(i + wanted[neighbour, 0], m0, wraps[0])
                k1 = _wrapped(j + wanted[neighbour, 1], m1, wraps[1])
                if i0 < 0 or i1 < 0 or k0 < 0 or k1 < 0:
                    continue
                left, right = P[first, i, j], P[last, k0, k1]
                line, total = coefficients[step, i0, i1], out[neighbour, i, j]
                at, beside = start[2] + known[first, 2], wanted[neighbour, 2]
                low = 1 if at < 0 or beside < 0 else 0
                high = m2 - 1 if beside > 0 or at + stride[2] * (m2 - 1) >= n2 else m2
                for k in range(low, high):
                    total[k] += left[k] * line[at + stride[2] * k] * right[k + beside]
                if wraps[2]:
                    for k in range(m2):
                        if low <= k < high:
                            continue
                        k2 = _wrapped(at + stride[2] * k, n2, True)
                        total[k] += left[k] * line[k2] * right[_wrapped(k + beside, m2, True)]
