"""Pictures of functions of several variables: what they look like, and what they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin._backend import is_numpy
from structlin.plotting._figures import axes, open_frame, palette, pyplot, several
from structlin.plotting._isosurface import isosurface_triangles
from structlin.tensors import ChebTucker, TensorTrain, _core, chebtucker

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection
    from mpl_toolkits.mplot3d.axes3d import Axes3D

_letters = ("x", "y", "z")


def slices(
    f: ChebTucker,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    at: Sequence[float] | None = None,
    resolution: int = 201,
) -> list[AxesImage] | Line2D:
    """Draw a function on the planes through a point, one for every pair of variables.

    Parameters
    ----------
    f : structlin.tensors.ChebTucker
        A real function of one variable or more, on the host. One variable gives a curve.
    ax : matplotlib.axes.Axes, sequence of them, or None
        Where to draw, one for every pair of variables; a new figure by default.
    at : sequence of float, optional
        The point, a coordinate for every variable; by default the middle of the box.
    resolution : int
        Points in every direction.

    Returns
    -------
    list of matplotlib.image.AxesImage, or matplotlib.lines.Line2D
        The pictures, which share their colours, in the order of the pairs; the curve.

    Raises
    ------
    ValueError
        If the point is not in the box, or there are too few axes to draw on.
    TypeError
        If the function is complex, or does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> f = chebtucker(lambda x, y: x * np.exp(y), [(-1, 1), (0, 1)], rng=0)
    >>> (image,) = slices(f, Figure().subplots())
    >>> image.get_array().shape
    (201, 201)
    """
    _require_real(f)
    middle = [(low + high) / 2 for low, high in f.domain]
    point = middle if at is None else [float(x) for x in at]
    if len(point) != f.ndim:
        raise ValueError(f"at has {len(point)} coordinates, and the function {f.ndim} variables")
    grids = [np.linspace(*interval, resolution) for interval in f.domain]
    if f.ndim == 1:
        one = axes(ax if ax is None or not isinstance(ax, Sequence) else ax[0], (7, 4))
        (line,) = one.plot(grids[0], f(grids[0]), color=palette[0])
        one.set(xlabel="x", ylabel="f", title=_summary(f))
        open_frame(one)
        return line
    pairs = list(itertools.combinations(range(f.ndim), 2))
    places = several(ax, len(pairs))
    planes = []
    for pair in pairs:
        here = [grid if k in pair else np.asarray([point[k]]) for k, grid in enumerate(grids)]
        planes.append(np.reshape(f.grid(*here), (resolution, resolution)))
    low, high = min(map(np.min, planes)), max(map(np.max, planes))
    signed = low < 0 < high
    if signed:
        low, high = -max(-low, high), max(-low, high)
    images = []
    for place, (j, k), plane in zip(places, pairs, planes, strict=False):
        image = place.imshow(
            plane.T,
            origin="lower",
            extent=(*f.domain[j], *f.domain[k]),
            aspect="auto",
            cmap="RdBu_r" if signed else "viridis",
            vmin=low,
            vmax=high,
        )
        fixed = [f"{_name(i, f.ndim)} = {point[i]:.3g}" for i in range(f.ndim) if i not in (j, k)]
        place.set(xlabel=_name(j, f.ndim), ylabel=_name(k, f.ndim), title=", ".join(fixed))
        images.append(image)
    figure = places[0].figure
    if figure is not None:
        figure.colorbar(images[0], ax=list(places[: len(pairs)]), label="f")
    return images


def coefficients(f: ChebTucker, ax: Axes | None = None) -> list[Line2D]:
    """Draw how the coefficients of a function come down along every axis.

    Parameters
    ----------
    f : structlin.tensors.ChebTucker
        The function, on the host.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    list of matplotlib.lines.Line2D
        A line for every variable: the norms of all coefficients of a degree in that variable, or
        of a frequency, relative to the norm of all.

    Raises
    ------
    TypeError
        If the function does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> f = chebtucker(lambda x, y: (2 * x**3 - x) * y, [(-1, 1)] * 2, rng=0)
    >>> [int(line.get_xdata()[-1]) for line in coefficients(f, Figure().subplots())]
    [3, 1]
    """
    _require_on_host(f)
    tensor = f.coefficients.orthogonalize()
    total = _core.norm(tensor.core) or 1.0
    ax = axes(ax, (7, 4))
    lines, names = [], set()
    for k, (basis, U) in enumerate(zip(f.bases, tensor.factors, strict=True)):
        sizes = basis.sizes(_core.slice_norms(tensor.core, k, U)[:, None]) / total
        degrees = np.arange(len(sizes))
        shown = sizes > 0
        (line,) = ax.plot(
            degrees[shown],
            sizes[shown],
            ".-",
            ms=4,
            lw=0.8,
            color=palette[k % len(palette)],
            label=_name(k, f.ndim),
        )
        names.add("frequency" if basis.periodic else "degree")
        lines.append(line)
    ax.axhline(f.report.tol, color=palette[6], lw=0.8, ls=":", label="tolerance")
    ax.set(yscale="log", xlabel=" or ".join(sorted(names)), ylabel="coefficients, relative norm")
    ax.set_title(_summary(f))
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False)
    open_frame(ax)
    return lines


def ranks(f: ChebTucker, ax: Axes | None = None) -> tuple[BarContainer, BarContainer]:
    """Draw the numbers of coefficients and the ranks of a function, axis by axis.

    Parameters
    ----------
    f : structlin.tensors.ChebTucker
        The function.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    tuple of matplotlib.container.BarContainer
        Numbers of coefficients, and ranks.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> f = chebtucker(lambda x, y: np.cos(x) * y, [(-1, 1), (-1, 1)], rng=0)
    >>> _, bars = ranks(f, Figure().subplots())
    >>> [int(bar.get_height()) for bar in bars]
    [1, 1]
    """
    ax = axes(ax, (1.2 * f.ndim + 3, 4))
    place = np.arange(f.ndim)
    lengths = [degree + 1 for degree in f.degrees]
    wide = ax.bar(place - 0.2, lengths, 0.38, color=palette[5], label="coefficients")
    slim = ax.bar(place + 0.2, f.ranks, 0.38, color=palette[0], label="rank")
    for bars in (wide, slim):
        ax.bar_label(bars, fontsize=8)
    ax.set_xticks(place, [_name(k, f.ndim) for k in range(f.ndim)])
    ax.set(yscale="log", ylim=(0.8, 3 * max(lengths)), ylabel="number", title=_summary(f))
    ax.legend(frameon=False, ncols=2, loc="upper right")
    open_frame(ax)
    return wide, slim


def isosurface(
    f: ChebTucker,
    level: float | None = None,
    ax: Axes3D | None = None,
    *,
    color: str = palette[0],
    resolution: int = 41,
) -> Poly3DCollection:
    """Draw the surface on which a function of three variables has one value.

    Parameters
    ----------
    f : structlin.tensors.ChebTucker
        A real function of three variables, on the host.
    level : float, optional
        The value; by default halfway between the smallest and the largest one on a grid.
    ax : mpl_toolkits.mplot3d.axes3d.Axes3D or None
        Where to draw, axes with ``projection="3d"``; a new figure by default.
    color : str
        Of the surface.
    resolution : int
        Grid points in every direction.

    Returns
    -------
    mpl_toolkits.mplot3d.art3d.Poly3DCollection
        The triangles of the surface.

    Raises
    ------
    ValueError
        If the function has not three variables, or has the value nowhere on the grid.
    TypeError
        If the function is complex, or does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> f = chebtucker(lambda x, y, z: x * x + y * y + z * z, [(-1, 1)] * 3, rng=0)
    >>> surface = isosurface(f, 0.5, Figure().subplots(subplot_kw={"projection": "3d"}))
    """
    _require_real(f)
    if f.ndim != 3:
        raise ValueError(
            f"the function has {f.ndim} variables, and an isosurface needs 3: take a slice of it"
        )
    grids = [np.linspace(*interval, resolution) for interval in f.domain]
    values = f.grid(*grids)
    low, high = float(values.min()), float(values.max())
    value = (low + high) / 2 if level is None else float(level)
    triangles = isosurface_triangles(values, value, grids)
    if not len(triangles):
        raise ValueError(f"level is {value:g}: on the grid the values go from {low:g} to {high:g}")
    ax = _axes3d(ax)
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    surface = Poly3DCollection(triangles, facecolors=color, shade=True, antialiased=False)
    ax.add_collection3d(surface)
    ax.set(**{f"{x}lim": interval for x, interval in zip(_letters, f.domain, strict=True)})
    ax.set(xlabel="x", ylabel="y", zlabel="z", title=f"f = {value:.3g}")
    return surface


def sampling_points(
    f: Callable[..., Any],
    domain: Any,
    ax: Axes | Axes3D | None = None,
    *,
    tol: float = 1e-12,
    rng: Any = None,
) -> PathCollection:
    """Draw the points at which `chebtucker` evaluates a function.

    Parameters
    ----------
    f : callable
        A function of two or three variables.
    domain : sequence of intervals
        The box.
    ax : matplotlib.axes.Axes or None
        Where to draw, for three variables axes with ``projection="3d"``; a new figure by default.
    tol, rng
        As for `chebtucker`.

    Returns
    -------
    matplotlib.collections.PathCollection
        The points; later ones are darker.

    Raises
    ------
    ValueError
        If there are not two or three variables.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> points = sampling_points(lambda x, y: np.cos(9 * x * y), [(-1, 1)] * 2,
    ...                          Figure().subplots(), tol=1e-6, rng=0)
    """
    d = len(domain)
    if d not in (2, 3):
        raise ValueError(f"domain has {d} intervals: points are drawn in 2 or 3 variables")
    seen: list[Any] = []

    def recorded(*point: Any) -> Any:
        seen.append(np.stack(np.broadcast_arrays(*map(np.ravel, point))))
        return f(*point)

    made = chebtucker(recorded, domain, tol=tol, rng=rng)
    points = np.concatenate(seen, axis=1)
    place: Any = axes(ax, (5, 5)) if d == 2 else _axes3d(ax)
    age = np.arange(points.shape[1])
    shown: PathCollection = place.scatter(*points, c=age, cmap="viridis_r", s=4, lw=0)
    place.set(**{f"{x}lim": interval for x, interval in zip(_letters, made.domain, strict=False)})
    place.set(**{f"{x}label": x for x in _letters[:d]})
    place.set(title=f"{points.shape[1]:,} values for tol = {tol:.0e}")
    return shown


def _axes3d(ax: Any) -> Any:
    if ax is not None:
        return ax
    figure = pyplot().figure(figsize=(5.5, 5), layout="constrained")
    return figure.add_subplot(projection="3d")


def _name(axis: int, ndim: int) -> str:
    return _letters[axis] if ndim <= 3 else f"x{axis}"


def _summary(f: ChebTucker) -> str:
    """Return ranks and numbers stored, in one line."""
    kind = ", tensor-train core" if isinstance(f.core, TensorTrain) else ""
    stored = f"{f.coefficients.parameters:,} numbers stored"
    return f"ranks {'×'.join(map(str, f.ranks))}{kind}, {stored}"


def _require_on_host(f: ChebTucker) -> None:
    if not isinstance(f, ChebTucker):
        raise TypeError(f"{type(f).__name__} is no ChebTucker: chebtucker makes one of a callable")
    if not is_numpy(f.xp):
        raise TypeError("pictures are drawn on the host: move the function to NumPy first")


def _require_real(f: ChebTucker) -> None:
    _require_on_host(f)
    if np.iscomplexobj(f.factors[0]):
        raise TypeError("the function is complex: draw its real part, or abs(f)")
