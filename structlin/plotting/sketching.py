"""Pictures of randomized linear algebra: what was estimated, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin.plotting._figures import axes, open_frame, palette
from structlin.sketching import SVD, Estimate, SketchingOperator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D


def singular_values(
    result: SVD, ax: Axes | None = None, *, exact: Any = None, label: str = "estimated"
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

    Returns
    -------
    matplotlib.lines.Line2D
        The estimates.

    Raises
    ------
    TypeError
        If the result does not live on the host.
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
    s = _on_host(result.s)
    ax = axes(ax, (7, 4))
    place = np.arange(1, len(s) + 1)
    missing = min(result.error_estimate, 1 - np.finfo(float).eps)
    # the error is relative to ‖A‖_F, of which the values say what is not missing
    error = np.linalg.norm(s) * missing / np.sqrt(1 - missing**2) if missing >= 0 else np.nan
    lowest = s[s > 0].min() / 2 if np.any(s > 0) else 0.5
    if np.isfinite(error):
        low = np.maximum(s - error, lowest)
        band = ax.fill_between(place, low, s + error, color=palette[0], alpha=0.2, lw=0)
        band.set_label("± estimated error")
    if exact is not None:
        ax.plot(place, _on_host(exact)[: len(s)], color=palette[6], lw=1, label="exact")
    (line,) = ax.plot(place, s, "o", ms=3, color=palette[0], label=label)
    ax.set_ylim(bottom=lowest)
    ax.set(yscale="log", xlabel="j", ylabel="singular value", title=result.method)
    ax.legend(frameon=False)
    open_frame(ax)
    return line


def sketch_quality(S: SketchingOperator, A: Any, ax: Axes | None = None) -> Line2D:
    """Draw how much a sketch stretches the directions of a column space.

    Parameters
    ----------
    S : (d, m) structlin.sketching.SketchingOperator
        The sketch.
    A : (m, n) array
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
    Q, _ = np.linalg.qr(_on_host(A))
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
    estimates: Sequence[Estimate], ax: Axes | None = None, *, exact: float | None = None
) -> ErrorbarContainer:
    """Draw estimates of one number, with three standard errors, against what they cost.

    Parameters
    ----------
    estimates : sequence of structlin.sketching.Estimate
        Estimates of growing cost.
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
    ax.set(xscale="log", xlabel="products with vectors", ylabel="value")
    ax.legend(frameon=False)
    open_frame(ax)
    return bars


def _on_host(x: Any) -> Any:
    if not is_numpy(namespace(x)):
        raise TypeError("pictures are drawn on the host: move the arrays to NumPy first")
    return x
