"""Pictures of randomized linear algebra: what was estimated, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.plotting._figures import axes, on_host, open_frame, palette
from structlin.sketching import SVD, Estimate, SketchingOperator, SpectralDensity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D


def singular_values(
    result: SVD,
    ax: Axes | None = None,
    *,
    exact: Any = None,
    label: str = "estimated",
    color: str = palette[0],
) -> Line2D:
    """Draw estimated singular values, with a band as wide as the estimate of the error.

    Parameters
    ----------
    result : structlin.sketching.SVD
        The decomposition, on the host.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    exact : (r,) array, optional
        Singular values to compare with, in descending order.
    label : str
        What the legend calls the estimates.
    color : str
        Of points and band, where several are drawn into one picture.

    Returns
    -------
    matplotlib.lines.Line2D
        The estimates.

    Raises
    ------
    TypeError
        If the result is no such decomposition, or does not live on the host.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    A singular value differs from its estimate by no more than the error ``‖A − U S Vᴴ‖_F``, by
    Weyl's inequality; the band is as wide as the estimate of that. It is wide where much of the
    matrix is left out, although the singular values may be much better.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.sketching import svd
    >>> line = singular_values(svd(np.diag([4.0, 2.0, 1.0]), 2, rng=0), Figure().subplots())
    >>> [round(float(s)) for s in line.get_ydata()]
    [4, 2]
    """
    if not isinstance(result, SVD):
        raise TypeError(
            f"{type(result).__name__} is no SVD: pass what svd or generalized_nystrom returns"
        )
    s = on_host(result.s)
    ax = axes(ax, (7, 4))
    place = np.arange(1, len(s) + 1)
    missing = min(result.error_estimate, 1 - np.finfo(float).eps)
    # the error is relative to ‖A‖_F, of which the values say what is not missing
    error = np.linalg.norm(s) * missing / np.sqrt(1 - missing**2) if missing >= 0 else np.nan
    lowest = s[s > 0].min() / 2 if np.any(s > 0) else 0.5
    if np.isfinite(error):
        low = np.maximum(s - error, lowest)
        band = ax.fill_between(place, low, s + error, color=color, alpha=0.2, lw=0)
        band.set_label("± estimated error")
    if exact is not None:
        ax.plot(place, on_host(exact)[: len(s)], color=palette[6], lw=1, label="exact")
    (line,) = ax.plot(place, s, "o", ms=3, color=color, label=label)
    ax.set_ylim(bottom=lowest)
    ax.set(yscale="log", xlabel="j", ylabel="singular value", title=result.method)
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False)
    open_frame(ax)
    return line


def sketch_quality(S: SketchingOperator, A: Any, ax: Axes | None = None) -> Line2D:
    """Draw how much a sketch stretches the directions of a column space.

    Parameters
    ----------
    S : (d, m) structlin.sketching.SketchingOperator
        The sketch.
    A : (m, n) array or sparse matrix
        The matrix, on the host and of full rank.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.lines.Line2D
        The singular values of ``S Q``, with ``Q`` an orthonormal basis of the columns of ``A``.

    Raises
    ------
    TypeError
        If the matrix does not live on the host.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    They are all one for an isometry. The lines at ``1 ± √(n/d)`` are where those of a Gaussian
    sketch end. A value near zero is a direction that is lost.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.sketching import SparseStack
    >>> S = SparseStack(80, 500, rng=0)
    >>> line = sketch_quality(S, np.random.default_rng(0).random((500, 10)), Figure().subplots())
    >>> bool(0.5 < min(line.get_ydata()) < max(line.get_ydata()) < 1.5)
    True
    """
    Q, _ = np.linalg.qr(on_host(A.toarray() if hasattr(A, "toarray") else A))
    ax = axes(ax, (7, 4))
    values = np.linalg.svd(S @ Q, compute_uv=False)
    ends = np.sqrt(Q.shape[1] / S.shape[0])
    for bound in (1 - ends, 1 + ends):
        ax.axhline(bound, color=palette[6], lw=0.8, ls=":")
    ax.axhline(1.0, color=palette[6], lw=0.8)
    label = f"{type(S).__name__}, {S.shape[0]} rows"
    (line,) = ax.plot(np.arange(1, len(values) + 1), values, ".", color=palette[1], label=label)
    ax.set(xlabel="direction", ylabel="stretched by", ylim=(0, max(2.0, 1.05 * values[0])))
    ax.legend(frameon=False)
    open_frame(ax)
    return line


def convergence(
    estimates: Sequence[Estimate] | Estimate, ax: Axes | None = None, *, exact: float | None = None
) -> ErrorbarContainer:
    """Draw estimates of one number, with three standard errors, against what they cost.

    Parameters
    ----------
    estimates : sequence of structlin.sketching.Estimate
        Estimates of growing cost, or a single one.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    exact : float, optional
        The number itself.

    Returns
    -------
    matplotlib.container.ErrorbarContainer
        Points and bars.

    Raises
    ------
    ValueError
        If there are no estimates.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin.sketching import trace
    >>> A = np.diag(1.0 / np.arange(1, 101) ** 2) + 0.01
    >>> runs = [trace(A, method="hutchinson", matvecs=k, rng=0) for k in (10, 40, 160)]
    >>> bars = convergence(runs, Figure().subplots(), exact=np.trace(A))
    """
    if isinstance(estimates, Estimate):
        estimates = [estimates]
    if not estimates:
        raise ValueError("there are no estimates to draw: give one at least")
    ax = axes(ax, (7, 4))
    if exact is not None:
        ax.axhline(exact, color=palette[6], lw=0.8, label="exact")
    bars = ax.errorbar(
        [one.matvecs for one in estimates],
        [one.value for one in estimates],
        [3 * one.standard_error for one in estimates],
        fmt="o",
        ms=4,
        capsize=3,
        color=palette[0],
        label="estimate ± 3 standard errors",
    )
    free = any(one.matvecs == 0 for one in estimates)  # what is exact took no products
    ax.set(xscale="symlog" if free else "log", xlabel="products with vectors", ylabel="value")
    ax.legend(frameon=False)
    open_frame(ax)
    return bars


def spectral_density(
    result: SpectralDensity, ax: Axes | None = None, *, exact: Any = None, points: int = 500
) -> Line2D:
    """Draw an estimated spectral density, with a band of three standard errors.

    Parameters
    ----------
    result : structlin.sketching.SpectralDensity
        The density, on the host.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    exact : (n,) array, optional
        Eigenvalues to compare with: their histogram.
    points : int
        Where the density is evaluated, at equal distances over the spectrum.

    Returns
    -------
    matplotlib.lines.Line2D
        The density.

    Raises
    ------
    TypeError
        If the density does not live on the host.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from structlin import sketching
    >>> found = sketching.spectral_density(np.diag(np.linspace(0.0, 1.0, 300)), rng=0)
    >>> line = spectral_density(found, Figure().subplots())
    >>> bool(abs(np.trapezoid(line.get_ydata(), line.get_xdata()) - 1) < 0.01)
    True
    """
    on_host(result.nodes)
    ax = axes(ax, (7, 4))
    x = np.linspace(result.lower, result.upper, points)
    y, error = result.density(x), 3 * result.density_error(x)
    if exact is not None:
        grey = palette[6]
        ax.hist(on_host(exact), bins="auto", density=True, color=grey, alpha=0.3, label="exact")
    low, high = np.maximum(y - error, 0), y + error
    band = ax.fill_between(x, low, high, color=palette[0], alpha=0.2, lw=0)
    band.set_label("± 3 standard errors")
    (line,) = ax.plot(x, y, color=palette[0], label="estimated")
    ax.set(xlabel="eigenvalue", ylabel="density", title=result.method, ylim=(0, None))
    ax.legend(frameon=False)
    open_frame(ax)
    return line
