"""Pictures of Gaussian processes: means with bands, fields with their errors, spectral lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.plotting._figures import axes, on_host, open_frame, palette, several

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D


def bands(
    x: Any,
    mean: Any,
    std: Any,
    ax: Axes | None = None,
    *,
    observed: tuple[Any, Any] | None = None,
    truth: Any = None,
    label: str = "mean, ± 2 standard deviations",
) -> Line2D:
    """Draw a function of one variable with a band of two standard deviations on each side.

    Parameters
    ----------
    x : (n,) array
        Points, ascending.
    mean, std : (n,) array
        Mean and standard deviation there: those of a posterior, or of a solution.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    observed : pair of (m,) array, optional
        Points and values of the data, drawn as dots.
    truth : (n,) array, optional
        The true function, drawn dashed.
    label : str
        What the legend calls the line.

    Returns
    -------
    matplotlib.lines.Line2D
        The line of the mean.

    Raises
    ------
    ValueError
        If the lengths disagree, or a standard deviation is negative.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> x = np.linspace(0, 1, 50)
    >>> line = bands(x, np.sin(6 * x), 0.1 + 0 * x, Figure().subplots(), truth=np.sin(6 * x))
    >>> line.get_xdata().shape
    (50,)
    """
    x, mean, std = (_vector(name, a) for name, a in (("x", x), ("mean", mean), ("std", std)))
    if not x.shape == mean.shape == std.shape:
        raise ValueError(
            f"x, mean and std have {len(x)}, {len(mean)} and {len(std)} entries: "
            "pass as many of each"
        )
    if np.any(std < 0):
        raise ValueError("std has negative entries: pass standard deviations, not differences")
    ax = axes(ax, (7, 3.6))
    ax.fill_between(x, mean - 2 * std, mean + 2 * std, color=palette[0], alpha=0.25, linewidth=0)
    (line,) = ax.plot(x, mean, color=palette[0], label=label)
    if truth is not None:
        true = _vector("truth", truth)
        if true.shape != x.shape:
            raise ValueError(f"truth has {len(true)} entries, and x {len(x)}: pass as many of each")
        ax.plot(x, true, "--", color=palette[6], linewidth=1, label="truth")
    if observed is not None:
        places, values = (_vector("observed", a) for a in observed)
        ax.plot(places, values, ".", color=palette[1], markersize=4, label="data")
    _legend_above(ax)
    open_frame(ax)
    return line


def field(
    x: Any,
    y: Any,
    mean: Any,
    std: Any,
    ax: Sequence[Axes] | None = None,
    *,
    truth: Any = None,
) -> list[AxesImage]:
    """Draw a function of two variables, its standard deviation and its error, side by side.

    Parameters
    ----------
    x, y : (n,) array, (m,) array
        The nodes of the axes, ascending and evenly spaced.
    mean, std : (n, m) array
        Mean and standard deviation on the grid, ``mean[i, j]`` at ``(x[i], y[j])``.
    ax : sequence of matplotlib.axes.Axes or None
        Where to draw, two or, with the truth, three; a new figure by default.
    truth : (n, m) array, optional
        The true function; the third picture is what the mean is off by.

    Returns
    -------
    list of matplotlib.image.AxesImage
        The pictures, each with a colour bar; standard deviation and error share their colours,
        on a logarithmic scale.

    Raises
    ------
    ValueError
        If a shape does not fit the nodes, or there are too few axes to draw on.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> x, y = np.linspace(0, 1, 20), np.linspace(0, 2, 30)
    >>> u = np.sin(x[:, None]) * y
    >>> len(field(x, y, u, 0.01 + 0 * u, Figure().subplots(1, 3), truth=u + 0.01))
    3
    """
    x, y = _vector("x", x), _vector("y", y)
    shape = (len(x), len(y))
    tables = {"mean": _table("mean", mean, shape), "standard deviation": _table("std", std, shape)}
    if truth is not None:
        tables["error"] = np.abs(tables["mean"] - _table("truth", truth, shape))
    places = several(ax, len(tables))
    from matplotlib.colors import LogNorm  # matplotlib is there: places were made

    sizes = [tables[name][tables[name] > 0] for name in tables if name != "mean"]
    seen = np.concatenate([np.ravel(size) for size in sizes])
    high = float(np.max(seen, initial=0.0)) or 1.0
    low = max(float(np.percentile(seen, 1)) if seen.size else high / 10, high * 1e-6)
    most = float(np.max(np.abs(tables["mean"]), initial=0.0)) or 1.0
    images = []
    for place, (name, table) in zip(places, tables.items(), strict=False):
        look: dict[str, Any] = (
            {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
            if name == "mean"
            else {"cmap": "viridis", "norm": LogNorm(min(low, high / 2), high)}
        )
        image = place.imshow(
            np.maximum(table, low).T if name != "mean" else table.T,
            origin="lower",
            extent=(x[0], x[-1], y[0], y[-1]),
            aspect="auto",
            **look,
        )
        place.set(title=name, xlabel="x", ylabel="y" if place is places[0] else "")
        if place.figure is not None:
            place.figure.colorbar(image, ax=place)
        images.append(image)
    return images


def spectral_lines(
    lines: Sequence[tuple[Any, Any]], ax: Axes | None = None
) -> list[LineCollection]:
    """Draw the spectral lines that were found, those of every axis in a colour of their own.

    Parameters
    ----------
    lines : sequence of pairs of (q,) array
        For every axis the frequencies, in cycles per unit of length, and the amplitudes, not
        negative: ``zip(report.lines, report.amplitudes)`` of a solution.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    list of matplotlib.collections.LineCollection
        The lines of every axis.

    Raises
    ------
    ValueError
        If there are not as many amplitudes as frequencies.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> (stems,) = spectral_lines([([0.0, 16.0], [0.5, 1.0])], Figure().subplots())
    >>> len(stems.get_segments())
    2
    """
    ax = axes(ax, (7, 3))
    drawn, least = [], 1.0
    for axis, (frequencies, amplitudes) in enumerate(lines):
        f, a = _vector("frequencies", frequencies), _vector("amplitudes", amplitudes)
        if f.shape != a.shape:
            raise ValueError(
                f"axis {axis} has {len(f)} frequencies and {len(a)} amplitudes: "
                "pass as many of each"
            )
        largest = float(np.max(a, initial=0.0)) or 1.0
        colour = palette[axis % len(palette)]
        name = ("x", "y", "z")[axis] if axis < 3 else f"axis {axis}"
        ax.plot(f, a / largest, "o", color=colour, markersize=4, label=name)
        drawn.append(ax.vlines(f, 1e-300, a / largest, color=colour, linewidth=1.5))
        least = min(least, float(np.min(a[a > 0], initial=largest)) / largest)
    ax.set(
        yscale="log",
        ylim=(least / 10, 3),
        xlabel="cycles per unit of length",
        ylabel="amplitude, relative",
    )
    _legend_above(ax)
    open_frame(ax)
    return drawn


def _legend_above(ax: Axes) -> None:
    ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)


def _vector(name: str, a: Any) -> Any:
    host = np.asarray(on_host(a), dtype=float)
    if host.ndim != 1:
        raise ValueError(f"{name} has shape {host.shape}: pass a vector")
    return host


def _table(name: str, a: Any, shape: tuple[int, int]) -> Any:
    host = np.asarray(on_host(a), dtype=float)
    if host.shape != shape:
        raise ValueError(
            f"{name} has shape {host.shape} but the nodes give {shape}: the first axis is that of x"
        )
    return host
