"""Pictures of maps that were learned: samples, learning curves, calibration, spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.bases import Grid
from structlin.plotting._figures import axes, on_host, open_frame, palette, several

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D


def triptych(
    given: Any,
    true: Any,
    predicted: Any,
    ax: Sequence[Axes] | None = None,
    *,
    std: Any = None,
    grid: Grid | None = None,
    output_grid: Grid | None = None,
) -> list[Any]:
    """Draw one sample of an operator: its input, its output with the prediction, and the error.

    Parameters
    ----------
    given : (n,) or (n, m) array
        The input function.
    true, predicted : (p,) or (p, q) array
        The output function, and what was predicted.
    ax : sequence of three matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    std : array of the shape of the output, optional
        Standard deviations of the prediction: drawn as a band of two beside the error of functions
        of one variable.
    grid, output_grid : Grid, optional
        The points of the input and of the output; those of the input serve for both where the
        shapes agree. By default the unit interval or square.

    Returns
    -------
    list
        A line or an image for each of the three.

    Raises
    ------
    ValueError
        If the shapes disagree, or functions have more than two variables.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> x = np.linspace(0, 1, 20)
    >>> len(triptych(x, x**2, x**2 + 0.01, Figure().subplots(1, 3), std=0.01 + 0 * x))
    3
    """
    given, true, predicted = (
        _function(name, a)
        for name, a in (("given", given), ("true", true), ("predicted", predicted))
    )
    if true.shape != predicted.shape:
        raise ValueError(
            f"true has shape {true.shape} and predicted {predicted.shape}: pass one sample of each"
        )
    if std is not None and _function("std", std).shape != true.shape:
        raise ValueError(f"std has shape {np.shape(std)} but the output {true.shape}")
    source = _nodes("given", given, grid)
    if output_grid is None and given.shape == true.shape:
        output_grid = grid
    target = _nodes("true", true, output_grid)
    left, middle, right = several(ax, 3)
    drawn = [_draw(source, given, left, "viridis")]
    left.set(title="input")
    error = predicted - true
    if true.ndim == 1:
        places = target[0]
        middle.plot(places, true, color=palette[6], label="true")
        (line,) = middle.plot(places, predicted, "--", color=palette[1], label="predicted")
        middle.legend(frameon=False)
        open_frame(middle)
        if std is not None:
            band = 2 * np.asarray(std)
            right.fill_between(places, -band, band, color=palette[0], alpha=0.25, linewidth=0)
        drawn.append(line)
    else:
        drawn.append(_draw(target, predicted, middle, "viridis"))
    drawn.append(_draw(target, error, right, "RdBu_r"))
    middle.set(title="output" if true.ndim == 1 else "predicted output")
    right.set(title="error" if std is None or true.ndim > 1 else "error, ± 2 standard deviations")
    return drawn


def learning_curve(
    curves: Mapping[str, tuple[Any, Any]],
    ax: Axes | None = None,
    *,
    xlabel: str = "training samples",
) -> list[Line2D]:
    """Draw errors over what they cost: samples, epochs or seconds, both logarithmic.

    Parameters
    ----------
    curves : mapping of str to pairs of (k,) array
        For every name the costs and the relative errors, both positive; a single pair is a dot.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    xlabel : str
        What the costs are.

    Returns
    -------
    list of matplotlib.lines.Line2D
        One for each curve.

    Raises
    ------
    ValueError
        If the lengths of a pair disagree, or a number is not positive.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curves = {"kernel": ([100, 1000], [0.01, 0.001]), "linear": ([1000], [0.3])}
    >>> len(learning_curve(curves, Figure().subplots()))
    2
    """
    ax = axes(ax, (6, 3.8))
    lines = []
    for k, (name, (costs, errors)) in enumerate(_pairs(curves, "(costs, errors)")):
        x, y = (np.asarray(on_host(a), dtype=float) for a in (costs, errors))
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError(f"{name!r} has {x.shape} costs and {y.shape} errors: pass two vectors")
        if np.any(x <= 0) or np.any(y <= 0):
            raise ValueError(f"{name!r} has numbers that are not positive: axes are logarithmic")
        marker = "o" if len(x) < 20 else ""
        lines += ax.plot(
            x, y, f"{marker}-", color=palette[k % len(palette)], markersize=4, label=name
        )
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="relative error")
    ax.legend(frameon=False)
    open_frame(ax)
    return lines


def calibration(predictions: Mapping[str, tuple[Any, Any]], ax: Axes | None = None) -> list[Line2D]:
    """Draw how often the truth lies within a band, over how often it should.

    Parameters
    ----------
    predictions : mapping of str to pairs of arrays
        For every name the errors, and the standard deviations that were predicted for them, of one
        shape.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The share of errors within the central band of a normal distribution, over its
        probability: one line for each name. On the diagonal the bands are right, above it they are
        too wide.

    Raises
    ------
    ValueError
        If the shapes of a pair disagree, or a standard deviation is negative.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> errors = np.random.default_rng(0).standard_normal(5000)
    >>> (line,) = calibration({"normal": (errors, np.ones(5000))}, Figure().subplots())
    >>> bool(np.max(np.abs(line.get_ydata() - line.get_xdata())) < 0.03)
    True
    """
    ax = axes(ax, (4.2, 4))
    levels = np.linspace(0.02, 0.98, 49)
    widths = [NormalDist().inv_cdf((1 + level) / 2) for level in levels.tolist()]
    lines = []
    for k, (name, (errors, stds)) in enumerate(_pairs(predictions, "(errors, stds)")):
        e, s = (np.ravel(np.asarray(on_host(a), dtype=float)) for a in (errors, stds))
        if e.shape != s.shape:
            raise ValueError(f"{name!r} has {e.size} errors and {s.size} standard deviations")
        if np.any(s < 0):
            raise ValueError(f"{name!r} has negative standard deviations")
        inside = [np.mean(np.abs(e) <= width * s) for width in widths]
        lines += ax.plot(levels, inside, color=palette[k % len(palette)], label=name)
    ax.plot([0, 1], [0, 1], ":", color=palette[6], linewidth=1)
    ax.set(xlabel="probability of the band", ylabel="share of errors in it", aspect="equal")
    ax.legend(frameon=False)
    open_frame(ax)
    return lines


def spectrum(
    eigenvalues: Any, ax: Axes | None = None, *, residuals: Any = None, circle: bool = True
) -> PathCollection:
    """Draw eigenvalues in the complex plane, coloured by their residuals.

    Parameters
    ----------
    eigenvalues : (r,) array
        Real or complex.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    residuals : (r,) array, optional
        How far each is from being one, 0 or more: logarithmic colours, dark where it can be
        trusted.
    circle : bool
        Draw the unit circle, on which nothing grows or decays from step to step.

    Returns
    -------
    matplotlib.collections.PathCollection
        The dots.

    Raises
    ------
    ValueError
        If there are not as many residuals as eigenvalues.
    TypeError
        If an array does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> dots = spectrum(np.exp(1j * np.arange(4)), Figure().subplots(), residuals=[1e-9, 1, 1, 1])
    >>> dots.get_offsets().shape
    (4, 2)
    """
    values = np.ravel(np.asarray(on_host(eigenvalues), dtype=complex))
    look: dict[str, Any] = {"color": palette[0]}
    if residuals is not None:
        r = np.ravel(np.asarray(on_host(residuals), dtype=float))
        if r.shape != values.shape:
            raise ValueError(f"there are {values.size} eigenvalues and {r.size} residuals")
        look = {"c": np.log10(np.maximum(r, 1e-16)), "cmap": "viridis"}
    ax = axes(ax, (4.6, 4))
    if circle:
        turn = np.linspace(0, 2 * np.pi, 200)
        ax.plot(np.cos(turn), np.sin(turn), ":", color=palette[6], linewidth=1)
    dots = ax.scatter(values.real, values.imag, s=22, zorder=2, **look)
    if residuals is not None and ax.figure is not None:
        ax.figure.colorbar(dots, ax=ax, label="log₁₀ residual")
    ax.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    open_frame(ax)
    return dots


def _pairs(given: Any, pair: str) -> list[tuple[str, Any]]:
    """Return the named pairs of a mapping."""
    if not isinstance(given, Mapping):
        raise TypeError(f"a {type(given).__name__} was given: pass {{'name': {pair}}}")
    for name, value in given.items():
        if len(value) != 2:
            raise ValueError(f"{name!r} has {len(value)} entries: pass the pair {pair}")
    return list(given.items())


def _function(name: str, a: Any) -> Any:
    host = np.asarray(on_host(a), dtype=float)
    if host.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {host.shape}: pass one sample, of one or two variables")
    return host


def _nodes(name: str, values: Any, grid: Grid | None) -> list[Any]:
    """Return the coordinates of every axis."""
    if grid is None:
        return [np.linspace(0, 1, n) for n in values.shape]
    if grid.shape != values.shape:
        raise ValueError(
            f"{name} has shape {values.shape} but the grid {grid.shape}: pass one sample"
        )
    return [np.asarray(on_host(x), dtype=float) for x in grid.axes]


def _draw(nodes: list[Any], values: Any, ax: Axes, colours: str) -> Any:
    if values.ndim == 1:
        (line,) = ax.plot(nodes[0], values, color=palette[0])
        open_frame(ax)
        return line
    most = float(np.max(np.abs(values), initial=0.0)) or 1.0
    limits: dict[str, Any] = {"vmin": -most, "vmax": most} if colours == "RdBu_r" else {}
    image = ax.pcolormesh(*nodes, values.T, cmap=colours, shading="nearest", **limits)
    if ax.figure is not None:
        ax.figure.colorbar(image, ax=ax)
    return image
