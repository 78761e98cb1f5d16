"""Pictures of structured matrices, and of what compressing a matrix has tried."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
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


def structure(A: Any, ax: Axes | None = None) -> list[AxesImage]:
    """Draw a structured matrix: its entries, and the parts of which it is made.

    Parameters
    ----------
    A : (m, n) operator, array or sparse matrix
        The matrix, on the host and of at most 2048 rows and columns.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    list of matplotlib.image.AxesImage
        The picture of the matrix, and those of its parts.

    Raises
    ------
    ValueError
        If the matrix is empty or larger.
    TypeError
        If it does not live on the host.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    Zeros are white, other entries the darker the larger their modulus. Parts are drawn larger
    than to scale: by the square root of their size. Below stand the numbers that the operator
    stores, and those of the matrix.

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
    if not 0 < min(A.shape) <= max(A.shape) <= _largest:
        raise ValueError(
            f"{A!r} cannot be drawn: it needs 1 to {_largest} rows and columns; draw a part of it"
        )
    parts = list(_parts(A))
    row = [A, "=", *parts] if parts else [A]
    ax = axes(ax, (2.2 + 1.5 * (len(row) - 1) / 2, 2.9))
    ax.set(aspect="equal", ylim=(-0.75, 0.62))
    ax.axis("off")
    images, x = [], 0.0
    for part in row:
        if isinstance(part, str):
            ax.text(x + 0.1, 0, part, ha="center", va="center", fontsize=14)
            x += 0.2
            continue
        width, height = (math.sqrt(size / max(A.shape)) for size in part.shape[::-1])
        images.append(_entries(part, (x, x + width, -height / 2, height / 2), ax))
        sizes = "×".join(map(str, part.shape))
        ax.text(x + width / 2, height / 2 + 0.02, sizes, ha="center", va="bottom", fontsize=8)
        x += width
    stored, full = A.parameters, math.prod(A.shape)
    ax.text(
        x / 2,
        -0.6,
        f"{type(A).__name__}: {stored:,} numbers stored, {full:,} entries ({stored / full:.2%})",
        ha="center",
        va="top",
        fontsize=9,
    )
    ax.set_xlim(-0.03, x + 0.03)
    return images


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
    pairs = itertools.chain.from_iterable((sign, part) for part in parts)
    return list(pairs)[1:]


def _entries(A: LinearOperator, extent: tuple[float, float, float, float], ax: Axes) -> AxesImage:
    from matplotlib.colors import PowerNorm
    from matplotlib.patches import Rectangle

    moduli = np.abs(A.todense())
    largest = float(np.max(moduli, initial=0.0, where=np.isfinite(moduli))) or 1.0
    image = ax.imshow(
        np.ma.masked_equal(moduli, 0),
        extent=extent,
        norm=PowerNorm(0.5, vmin=-0.2 * largest, vmax=largest),
        cmap="Blues",
        interpolation="nearest" if max(A.shape) <= 256 else "antialiased",
        aspect="equal",
    )
    left, right, low, high = extent
    frame = Rectangle((left, low), right - left, high - low, fill=False, lw=0.6, color="0.6")
    ax.add_patch(frame)
    return image


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
    line.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.matrices import compress
    >>> points = compression(compress(np.eye(8)), Figure().subplots())
    >>> bool(len(points.get_offsets()) > 2)
    True
    """
    chosen = getattr(table, "operator", None)
    attempts = list(getattr(table, "table", table))
    if not attempts:
        raise ValueError("the table is empty: there is nothing to draw")
    ax = axes(ax, (6.4, 4.2))
    operator = attempts[0].operator
    floor = float(np.finfo(operator.dtype).eps)
    parameters = [max(attempt.parameters, 1) for attempt in attempts]
    errors = [max(float(attempt.relative_error), floor) for attempt in attempts]
    heavy = [attempt.operator is chosen for attempt in attempts]
    points = ax.scatter(
        parameters,
        errors,
        s=[70 if chosen else 28 for chosen in heavy],
        c=[palette[1] if chosen else palette[0] for chosen in heavy],
        zorder=3,
    )
    for attempt, x, y, chosen in zip(attempts, parameters, errors, heavy, strict=True):
        ax.annotate(
            attempt.structure,
            (x, y),
            xytext=(6, 3),
            textcoords="offset points",
            fontsize=8,
            weight="bold" if chosen else "normal",
        )
    if tol := getattr(table, "tol", 0):
        ax.axhline(tol, color="0.5", linestyle="--", linewidth=1, zorder=1)
        ax.annotate(
            "tolerance", (1, tol), xycoords=("axes fraction", "data"), xytext=(-4, 3),
            textcoords="offset points", ha="right", fontsize=8, color="0.4",
        )  # fmt: skip
    ax.set(
        xscale="log", yscale="log", xlabel="numbers stored", ylabel="relative error (Frobenius)"
    )
    ax.margins(x=0.2, y=0.1)
    open_frame(ax)
    return points
