"""What the pictures share: their axes and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
