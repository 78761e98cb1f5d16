"""What the pictures share: their axes and their colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin._backend import is_numpy, namespace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# M. Okabe and K. Ito's colours, which colour-blind readers can tell apart
palette = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw on: those given, or those of a new figure."""
    if ax is not None:
        return ax
    made: Axes = pyplot().subplots(figsize=size, layout="constrained")[1]
    return made


def pyplot() -> Any:
    """Return matplotlib's pyplot, or say how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'structlin[plot]'", name=error.name
        ) from error
    return pyplot


def open_frame(ax: Axes) -> None:
    """Leave only the left and the lower side of a frame."""
    ax.spines[["top", "right"]].set_visible(False)


def several(ax: Axes | Sequence[Axes] | None, count: int) -> list[Axes]:
    """Return axes for so many pictures."""
    if ax is None:
        columns = min(count, 3)
        rows = math.ceil(count / columns)
        size = (3.4 * columns + 1, 3.1 * rows)
        grid = pyplot().subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
        places = list(grid[1].flat)
        for unused in places[count:]:
            unused.set_visible(False)
        return places[:count]
    places = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(places) < count:
        raise ValueError(f"{count} pictures need as many axes, and {len(places)} were given")
    return places[:count]


def on_host(x: Any) -> Any:
    """Return an array of the host, or what makes one, as it is."""
    if hasattr(x, "ndim") and not is_numpy(namespace(x)):
        raise TypeError("pictures are drawn on the host: move the arrays to NumPy first")
    return x
