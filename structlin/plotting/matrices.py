"""Pictures of structured matrices, and of what compressing a matrix has tried."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin._backend import is_numpy
from structlin.matrices import (
    Kronecker,
    KroneckerSparse,
    KroneckerSparseChain,
    KroneckerSum,
    LinearOperator,
    LowRank,
    LowRankUpdate,
    Monarch,
    Product,
    Sum,
    SumOfKroneckers,
    aslinearoperator,
)
from structlin.plotting._figures import axes, open_frame, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.image import AxesImage

# rows and columns of the largest matrix that is drawn
_largest = 2048
# and the rows and columns of its picture
_tiles = 64


def structure(A: Any, ax: Axes | None = None) -> list[AxesImage]:
    """Draw a structured matrix: its entries, and the parts of which it is made.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix, on the host; it and its parts have at most 2048 rows and columns.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    list of matplotlib.image.AxesImage
        The picture of the matrix, and those of its parts.

    Raises
    ------
    ValueError
        If the matrix or a part is empty or larger.
    TypeError
        If it does not live on the host.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    Zeros, and what is as small as rounding errors, are white; other entries the darker the larger
    their modulus. A large matrix is drawn in tiles, each by its largest entry. Parts are drawn
    larger than to scale: by the square root of their size. Below stand the numbers that the
    operator stores, and those of the matrix.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> A = Kronecker(np.eye(4), np.ones((2, 3)))
    >>> len(structure(A, Figure().subplots()))
    3
    """
    A = aslinearoperator(A)
    if not is_numpy(A.xp):
        raise TypeError("pictures are drawn on the host: move the matrix to NumPy first")
    parts = list(_parts(A))
    row = [A, "=", *parts] if parts else [A]
    shapes = [part.shape for part in row if not isinstance(part, str)]
    largest = max(map(max, shapes))
    if not 0 < min(map(min, shapes)) <= largest <= _largest:
        raise ValueError(
            f"{A!r} cannot be drawn: it and its parts need 1 to {_largest} rows and columns; draw "
            "a piece of it"
        )
    sizes = [_size(part, largest) for part in row]
    total, top = sum(width for width, _ in sizes), max(height for _, height in sizes) / 2
    ax = axes(ax, (max(2.8, 2 * total), 4 * top + 0.9))
    ax.axis("off")
    images, x = [], 0.0
    for part, (width, height) in zip(row, sizes, strict=True):
        if isinstance(part, str):
            _write(ax, x + width / 2, 0, part, "center", 14)
        else:
            images.append(_entries(part, (x, x + width, -height / 2, height / 2), ax))
            _write(
                ax, x + width / 2, height / 2 + 0.02, "×".join(map(str, part.shape)), "bottom", 8
            )
        x += width
    stored, full = A.parameters, math.prod(A.shape)
    caption = (
        f"{type(A).__name__}: {stored:,} numbers stored\n{full:,} entries ({stored / full:.2%})"
    )
    _write(ax, total / 2, -top - 0.04, caption, "top", 9)
    # every picture has set its own
    ax.set(xlim=(-0.03, total + 0.03), ylim=(-top - 0.22, top + 0.12))
    return images


def _size(part: LinearOperator | str, largest: int) -> tuple[float, float]:
    """Return width and height of a part, where the largest number of rows or columns has 1."""
    if isinstance(part, str):
        return 0.2, 0.0
    m, n = part.shape
    return math.sqrt(n / largest), math.sqrt(m / largest)


def _write(ax: Axes, x: float, y: float, text: str, va: str, size: int) -> None:
    # text may be wider than a slender matrix: no reason for the layout to shrink that
    ax.text(x, y, text, ha="center", va=va, fontsize=size, in_layout=False)


def _parts(A: LinearOperator) -> Iterable[LinearOperator | str]:
    """Return the parts of an operator and the signs between them."""
    if isinstance(A, LowRankUpdate):
        return [A.base, "+", *_parts(A.update)]
    if isinstance(A, LowRank):
        return [A.U, "·", A.V.H]
    if isinstance(A, Monarch):
        return _joined(map(KroneckerSparse.from_blocks, reversed(A._steps)), "·")
    found: list[tuple[type | tuple[type, ...], str, str]] = [
        (Kronecker, "⊗", "factors"),
        (KroneckerSum, "⊕", "factors"),
        ((Product, KroneckerSparseChain), "·", "factors"),
        ((Sum, SumOfKroneckers), "+", "terms"),
    ]
    for kind, sign, name in found:
        if isinstance(A, kind):
            return _joined(getattr(A, name), sign)
    return []


def _joined(parts: Iterable[LinearOperator], sign: str) -> list[LinearOperator | str]:
    """Return the parts with a sign between every two."""
    joined: list[LinearOperator | str] = []
    for part in parts:
        joined += [sign, part]
    return joined[1:]


def _entries(A: LinearOperator, extent: tuple[float, float, float, float], ax: Axes) -> AxesImage:
    from matplotlib.colors import PowerNorm
    from matplotlib.patches import Rectangle

    moduli = np.abs(A.todense())
    largest = float(np.max(moduli, initial=0.0, where=np.isfinite(moduli))) or 1.0
    # what rounding has left of zeros is as white as they are
    noise = max(A.shape) * np.finfo(moduli.dtype).eps * largest
    image = ax.imshow(
        np.ma.masked_less_equal(_pooled(moduli), noise),
        extent=extent,
        norm=PowerNorm(0.5, vmin=-0.2 * largest, vmax=largest),
        cmap="Blues",
        interpolation="nearest",
        aspect="equal",
    )
    left, right, low, high = extent
    frame = Rectangle((left, low), right - left, high - low, fill=False, lw=0.6, color="0.6")
    ax.add_patch(frame)
    return image


def _pooled(moduli: Any) -> Any:
    """Return the largest of each of at most 64 × 64 tiles, so that single entries are seen."""
    for axis, size in enumerate(moduli.shape):
        starts = np.arange(0, size, -(-size // _tiles))
        moduli = np.maximum.reduceat(moduli, starts, axis=axis)
    return moduli


def compression(table: Any, ax: Axes | None = None) -> PathCollection:
    """Draw what `structlin.matrices.compress` has tried: errors over the numbers stored.

    Parameters
    ----------
    table : Compression or sequence of Attempt
        What `compress` returned, or its ``table``.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.collections.PathCollection
        One point for each structure that was tried.

    Raises
    ------
    ValueError
        If the table is empty.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    Both axes are logarithmic; an error below the rounding of the data type is drawn at it. The
    chosen structure is drawn heavier, if the table came with the choice, and the tolerance is a
    line. Besides it, those have a name, where there is room for one, that no other beats in both
    error and storage; the rest are small.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.matrices import compress
    >>> points = compression(compress(np.eye(8)), Figure().subplots())
    >>> [int(parameters) for parameters in points.get_offsets()[:, 0]]
    [8, 64]
    """
    chosen = getattr(table, "operator", None)
    attempts = list(getattr(table, "table", table))
    if not attempts:
        raise ValueError("the table is empty: there is nothing to draw")
    ax = axes(ax, (6.4, 4.2))
    from matplotlib.transforms import Bbox

    operator = attempts[0].operator
    floor = float(np.finfo(operator.dtype).eps)
    parameters = [max(attempt.parameters, 1) for attempt in attempts]
    errors = [max(float(attempt.relative_error), floor) for attempt in attempts]
    heavy = [attempt.operator is chosen for attempt in attempts]
    beaten = [_is_beaten(mine, parameters, errors) for mine in zip(parameters, errors, strict=True)]
    named = [i for i in range(len(attempts)) if heavy[i] or not beaten[i]]
    points = ax.scatter(
        parameters,
        errors,
        s=[
            70 if chosen else 12 if small else 28
            for chosen, small in zip(heavy, beaten, strict=True)
        ],
        c=[palette[1] if chosen else palette[0] for chosen in heavy],
        zorder=3,
    )
    ax.set(xscale="log", yscale="log", xlabel="numbers stored", ylabel="relative error (Frobenius)")
    ax.margins(x=0.2, y=0.15)
    open_frame(ax)
    ax.autoscale_view()
    # where something stands already: the points, and then the text
    centres = ax.transData.transform(np.stack([parameters, errors], axis=1))
    taken = [Bbox.from_extents(x - 4, y - 4, x + 4, y + 4) for x, y in centres]
    if tol := getattr(table, "tol", 0):
        ax.axhline(tol, color="0.5", linestyle="--", linewidth=1, zorder=1)
        label = ax.annotate(
            "tolerance", (1, tol), xycoords=("axes fraction", "data"), xytext=(-4, 3),
            textcoords="offset points", ha="right", fontsize=8, color="0.4",
        )  # fmt: skip
        height = ax.transData.transform((1, tol))[1]  # names keep off the line, too
        line = Bbox.from_extents(ax.bbox.x0, height - 1, ax.bbox.x1, height + 1)
        taken += [label.get_window_extent(), line]
    # the chosen one is named first
    for i in sorted(named, key=lambda i: (not heavy[i], parameters[i])):
        _name(ax, attempts[i].structure, (parameters[i], errors[i]), heavy[i], taken)
    return points


def _is_beaten(mine: tuple[int, float], parameters: Sequence[int], errors: Sequence[float]) -> bool:
    """Return whether another attempt is no worse in both, and better in one."""
    others = zip(parameters, errors, strict=True)
    return any(p <= mine[0] and e <= mine[1] and (p, e) != mine for p, e in others)


def _name(ax: Axes, name: str, at: tuple[float, float], bold: bool, taken: list[Any]) -> None:
    """Write a name beside a point where there is room, or not at all."""
    for ha, va in itertools.product(("left", "right"), ("bottom", "top")):
        label = ax.annotate(
            name,
            at,
            xytext=(6 if ha == "left" else -6, 3 if va == "bottom" else -3),
            textcoords="offset points",
            ha=ha,
            va=va,
            fontsize=8,
            weight="bold" if bold else "normal",
        )
        box = label.get_window_extent()
        inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1
        if inside and not any(map(box.overlaps, taken)):
            taken.append(box)
            return
        label.remove()
