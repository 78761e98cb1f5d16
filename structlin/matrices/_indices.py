"""Index arithmetic: an index is an integer, a range (of a slice) or an array of integers."""

from __future__ import annotations

import operator
from types import ModuleType
from typing import Any

import array_api_compat as compat

from structlin._backend import device, namespace

Index = Any


def parse(key: Any, owner: Any) -> tuple[Index, Index]:
    """Return the rows and columns that ``key`` selects from an operator, none negative."""
    rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
    m, n = owner.shape
    return _parse_axis(rows, m, "row", owner), _parse_axis(columns, n, "column", owner)


def _parse_axis(key: Any, size: int, axis: str, owner: Any) -> Index:
    if isinstance(key, slice) or key is Ellipsis:
        return range(*(slice(None) if key is Ellipsis else key).indices(size))
    if isinstance(key, (list, range)):
        key = owner.xp.asarray(list(key), dtype=None if key else int, device=owner.device)
    if compat.is_array_api_obj(key) and key.ndim:
        return _parse_array(key, size, axis, owner)
    try:
        i = operator.index(key)
    except TypeError:
        raise TypeError(
            f"{type(key).__name__} is no {axis} index: use integers, slices or integer arrays"
        ) from None
    if not -size <= i < size:
        raise IndexError(f"{axis} {i} is asked of an operator with {size} {axis}s")
    return i % size


def _parse_array(key: Any, size: int, axis: str, owner: Any) -> Any:
    xp = namespace(owner, key)
    device(owner, key)
    if key.ndim != 1:
        raise IndexError(f"the {axis} index has {key.ndim} dimensions: it needs one")
    if xp.isdtype(key.dtype, "bool"):
        if key.shape[0] != size:
            raise IndexError(f"a mask of {key.shape[0]} entries is asked of {size} {axis}s")
        return xp.nonzero(key)[0]
    if not xp.isdtype(key.dtype, "integral"):
        raise IndexError(f"the {axis} index has dtype {key.dtype}: it needs integers")
    if bool(xp.any((key < -size) | (key >= size))):
        raise IndexError(f"a {axis} index leaves the range of {size} {axis}s")
    return xp.where(key < 0, key + size, key)


def count(index: Index) -> int:
    """Return how many rows a range or an array selects."""
    if isinstance(index, range):  # its len() ends at 2⁶³
        return max(0, -((index.start - index.stop) // index.step))
    return int(index.shape[0])


def is_all(index: Index, size: int) -> bool:
    """Tell whether an index is a range over everything, in order."""
    return isinstance(index, range) and index == range(size)


def as_slice(index: range) -> slice:
    """Return the slice that selects a range of indices; it never leaves the axis."""
    if not index:
        return slice(0, 0)
    stop = index[-1] + (1 if index.step > 0 else -1)
    return slice(index.start, stop if stop >= 0 else None, index.step)


def take(X: Any, index: Index, xp: ModuleType) -> Any:
    """Return the rows of ``X`` that a range or an array selects."""
    if isinstance(index, range):
        return X if index == range(X.shape[0]) else X[as_slice(index), ...]
    return xp.take(X, index, axis=0)


def scatter(X: Any, index: Index, size: int, xp: ModuleType) -> Any:
    """Return ``size`` rows in which those of ``X`` stand, or are summed, where the index says."""
    if isinstance(index, range):
        if index == range(size):
            return X
        Y = xp.zeros((size, *X.shape[1:]), dtype=X.dtype, device=compat.device(X))
        Y[as_slice(index), ...] = X
        return Y
    # row i gathers its first, second, ... occurrence in the index, or a row of zeros
    order = xp.argsort(index, stable=True)
    ranks = xp.take(index, order)
    rows = xp.arange(size, dtype=index.dtype, device=compat.device(X))
    first = xp.searchsorted(ranks, rows, side="left")
    occurrences = xp.searchsorted(ranks, rows, side="right") - first
    k = count(index)
    zero = xp.zeros((1, *X.shape[1:]), dtype=X.dtype, device=compat.device(X))
    X = xp.concat([xp.take(X, order, axis=0), zero])
    repeats = int(xp.max(occurrences)) if size else 0
    Y = xp.take(X, xp.where(occurrences > 0, first, k), axis=0)
    for r in range(1, repeats):
        Y = Y + xp.take(X, xp.where(occurrences > r, first + r, k), axis=0)
    return Y


def compose(outer: Index, inner: Index, xp: ModuleType) -> Index:
    """Return the index that selects by ``inner`` from what ``outer`` selects."""
    if not isinstance(outer, range):
        return int(outer[inner]) if isinstance(inner, int) else take(outer, inner, xp)
    if isinstance(inner, int):
        return outer[inner]
    if isinstance(inner, range):
        start, step = outer.start + inner.start * outer.step, inner.step * outer.step
        return range(start, start + count(inner) * step, step)
    return inner * outer.step + outer.start


def text(index: Index) -> str:
    """Return an index as it stands in a `repr`."""
    if isinstance(index, range):
        step = f":{index.step}" if index.step != 1 else ""
        stop = index.stop if index.stop >= 0 else ""
        return f"{index.start}:{stop}{step}"
    return f"({count(index)} indices)"
