"""Pictures of simulations, and of the parameters that are learned in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.plotting._figures import axes, open_frame, palette, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection, QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D


def temperature(
    u: Any,
    ax: Axes | None = None,
    *,
    lowest: float | None = None,
    highest: float | None = None,
    label: str | None = None,
) -> AxesImage:
    """Draw a temperature on the unit square, boundary values of zero included.

    Colours follow the square root of the temperature above the lowest, so that weak warmth is
    seen beside strong.

    Parameters
    ----------
    u : (nx - 1, ny - 1) array
        Temperature at the interior points, ``u[i, j]`` at ``(x_i, y_j)``, on the host.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    lowest, highest : float or None
        Temperatures of the darkest and the brightest colour; by default those of ``u`` and the
        boundary.
    label : str or None
        Text in the upper left corner.

    Returns
    -------
    matplotlib.image.AxesImage
        The picture, ready for ``Figure.colorbar``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> image = temperature(np.array([[1.0, 4.0], [-2.0, 0.0]]), Figure().subplots())
    >>> image.get_clim()
    (-2.0, 4.0)
    """
    ax = axes(ax, (4, 4))
    from matplotlib.colors import PowerNorm

    field = np.pad(np.asarray(u), 1)
    lowest = float(field.min()) if lowest is None else lowest
    highest = float(field.max()) if highest is None else highest
    nx, ny = (size - 1 for size in field.shape)
    image = ax.imshow(
        field.T,  # rows of a picture run along y
        origin="lower",
        extent=(-0.5 / nx, 1 + 0.5 / nx, -0.5 / ny, 1 + 0.5 / ny),  # a pixel around each point
        norm=PowerNorm(0.5, vmin=lowest, vmax=highest if highest > lowest else lowest + 1.0),
        cmap="inferno",
        interpolation="bilinear",
    )
    ax.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 1), yticks=(0, 1), xlabel="x", ylabel="y")
    ax.xaxis.labelpad = ax.yaxis.labelpad = -8
    if label is not None:
        ax.text(0.05, 0.95, label, color="white", ha="left", va="top", transform=ax.transAxes)
    return image


def iterations(
    runs: Mapping[str, Any], ax: Axes | None = None, *, highlight: str | None = None
) -> list[Line2D]:
    """Draw the iterations that solvers have spent so far, over the simulated time.

    Parameters
    ----------
    runs : mapping of str to HeatRun
        Runs of the same steps, by the names to draw them under.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    highlight : str or None
        The run to draw with a heavier line.

    Returns
    -------
    list of matplotlib.lines.Line2D
        One line for each run.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the runs have different numbers of steps.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.solvers import HeatEquation2D, RelaxationLayer
    >>> run = HeatEquation2D(8).run(20, RelaxationLayer(rng=0))
    >>> (line,) = iterations({"learned": run}, Figure().subplots())
    >>> bool(line.get_ydata()[-1] == run.iterations.sum() / 1000)
    True
    """
    _require_equal_steps(runs)
    ax = axes(ax, (7, 4))
    lines: list[Line2D] = []
    others = iter(palette[1:] * len(runs))
    for name, run in runs.items():
        total = np.concatenate([[0], np.cumsum(run.iterations)]) / 1000
        times = run.dt * np.arange(total.size)
        main = name == highlight
        color = palette[0] if main else next(others)
        width = 2.6 if main else 1.4
        lines += ax.plot(times, total, color=color, linewidth=width, label=name)
    ax.set(xlabel="simulated time", ylabel="iterations so far (thousands)")
    ax.margins(x=0)
    ax.set_ylim(bottom=0)
    open_frame(ax)
    _name_lines(ax, lines)
    return lines


def omegas(
    run: Any, ax: Axes | None = None, *, window: int = 50, fixed: Mapping[str, float] | None = None
) -> PathCollection:
    """Draw the relaxation parameters that a run played, with their moving average.

    Parameters
    ----------
    run : HeatRun
        A run whose solver chose a parameter in every step.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    window : int
        Steps to average over.
    fixed : mapping of str to float or None
        Parameters to compare with, by the names to draw them under.

    Returns
    -------
    matplotlib.collections.PathCollection
        The parameters played.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the run has no parameter: its solver does not relax.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.solvers import HeatEquation2D, RelaxationLayer
    >>> run = HeatEquation2D(8).run(20, RelaxationLayer(rng=0))
    >>> len(omegas(run, Figure().subplots()).get_offsets())
    20
    """
    _require_omegas(run)
    ax = axes(ax, (6, 4))
    times = run.dt * np.arange(1, run.omegas.size + 1)
    played = ax.scatter(
        times, run.omegas, s=6, color=palette[0], alpha=0.3, linewidths=0, label="one step"
    )
    window = min(window, run.omegas.size)
    if window:
        mean = np.convolve(run.omegas, np.full(window, 1 / window), mode="valid")
        label = f"mean of {window} steps"
        ax.plot(times[window - 1 :], mean, color=palette[0], linewidth=2.6, label=label)
    for k, (name, omega) in enumerate((fixed or {}).items(), start=1):
        ax.axhline(omega, color=palette[k % len(palette)], linestyle="--", label=name)
    ax.set(xlabel="simulated time", ylabel="relaxation parameter ω")
    ax.margins(x=0)
    open_frame(ax)
    ax.legend(
        frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderpad=0,
        handlelength=1.4, columnspacing=1.2, markerscale=2,
    )  # fmt: skip
    return played


def shade(values: Callable[[float], float], ax: Axes, *, points: int = 500) -> QuadMesh:
    """Shade the background of a picture over time: the larger the value, the darker.

    Parameters
    ----------
    values : callable
        ``values(t) -> float``, nonnegative.
    ax : matplotlib.axes.Axes
        A picture whose horizontal axis is time.
    points : int
        Number of times to take values at.

    Returns
    -------
    matplotlib.collections.QuadMesh
        The shading.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> mesh = shade(lambda t: 1 + t, Figure().subplots(), points=2)
    >>> mesh.get_array().tolist()
    [[1.25, 1.75]]
    """
    low, high = ax.get_xlim()
    bottom, top = ax.get_ylim()
    edges = np.linspace(low, high, points + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    strength = np.array([[values(float(t)) for t in middles]])
    mesh = ax.pcolormesh(
        edges,
        [bottom, top],
        strength,
        cmap="Greys",
        vmin=0,
        vmax=4 * strength.max() or 1.0,  # no darker than a quarter
        zorder=0,
        rasterized=True,
    )
    ax.set(xlim=(low, high), ylim=(bottom, top))
    return mesh


def heat_story(
    runs: Mapping[str, Any],
    learned: str,
    *,
    fixed: Mapping[str, float] | None = None,
    conductivity: Callable[[float], float] | None = None,
) -> Figure:
    """Draw what a heat simulation computed, and what learning its solver's parameter gained.

    Parameters
    ----------
    runs : mapping of str to HeatRun
        Runs of the same steps, by the names to draw them under.
    learned : str
        The run whose snapshots and parameters are shown.
    fixed : mapping of str to float or None
        Parameters to compare with, by the names to draw them under.
    conductivity : callable or None
        The conductivity as a function of time, to shade the background with.

    Returns
    -------
    matplotlib.figure.Figure
        The picture: snapshots above, parameters and iterations below.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no run ``learned``, it has no parameter, or the runs have different numbers
        of steps.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")  # no window
    >>> from structlin.solvers import HeatEquation2D, RelaxationLayer, cg
    >>> heat = HeatEquation2D(8)
    >>> runs = {"CG": heat.run(20, cg), "learned": heat.run(20, RelaxationLayer(rng=0))}
    >>> len(heat_story(runs, "learned").axes)
    2
    """
    if learned not in runs:
        raise ValueError(f"there is no run {learned!r}: choose one of {', '.join(map(repr, runs))}")
    run = runs[learned]
    _require_omegas(run)
    _require_equal_steps(runs)
    shots = sorted(run.snapshots.items())
    figure: Figure = pyplot().figure(figsize=(11, 6.4 if shots else 4), layout="constrained")
    below: Any = figure
    if shots:
        halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.6))
        above, below = halves
        # one scale for all panels; the boundary is zero
        lowest = min(0.0, *(float(np.min(u)) for _, u in shots))
        highest = max(0.0, *(float(np.max(u)) for _, u in shots))
        panels = above.subplots(1, len(shots), squeeze=False, sharey=True)[0]
        for panel, (step, u) in zip(panels, shots, strict=True):
            label = f"t = {step * run.dt:.3g}"
            image = temperature(u, panel, lowest=lowest, highest=highest, label=label)
            panel.label_outer()
        above.colorbar(image, cax=panels[-1].inset_axes((1.06, 0, 0.05, 1)), label="temperature")
    left, right = below.subplots(1, 2, width_ratios=(1.1, 1))
    omegas(run, left, fixed=fixed)
    iterations(runs, right, highlight=learned)
    if conductivity is not None:
        for ax in (left, right):
            shade(conductivity, ax)
        # total costs begin at zero: this corner is always free
        right.text(0.02, 0.97, "shaded: conductivity", va="top", transform=right.transAxes)
    return figure


def _require_omegas(run: Any) -> None:
    if run.omegas.size and np.all(np.isnan(run.omegas)):
        raise ValueError("this run has no ω: its solver reports no relaxation parameter")


def _require_equal_steps(runs: Mapping[str, Any]) -> None:
    steps = {name: run.iterations.size for name, run in runs.items()}
    if len(set(steps.values())) > 1:
        found = ", ".join(f"{name!r} has {count}" for name, count in steps.items())
        raise ValueError(f"the runs have different numbers of steps: {found}")


def _name_lines(ax: Axes, lines: list[Line2D]) -> None:
    """Write every line's name to the right of its end, apart from one another."""
    gap = 0.06 * ax.get_ylim()[1]
    height = -gap
    ends = [float(np.asarray(line.get_ydata())[-1]) for line in lines]
    for k in np.argsort(ends, kind="stable"):
        line, height = lines[k], max(ends[k], height + gap)
        ax.annotate(
            str(line.get_label()),
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            annotation_clip=False,
        )
