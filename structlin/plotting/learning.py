"""Pictures of what learning costs, and of what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.plotting._figures import axes, open_frame, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


def regret(
    layers: Any, ax: Axes | None = None, *, reference: Any = None, loss: str = "iterations"
) -> list[Line2D]:
    """Draw what a sequence of solves has cost beyond a reference, over the solves.

    A curve that becomes flat has learned what the reference knew; one that falls does better.

    Parameters
    ----------
    layers : RelaxationLayer, (T,) array, or mapping of str to these
        What to draw: anything with a ``history`` of its losses, or the loss of every solve; a
        mapping has the names for the legend.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure by default.
    reference : str, float, (T,) array, or None
        What to compare with: the name of one of the curves, a loss for every solve, or the losses
        solve by solve. By default every curve is compared with its own mean loss over the last
        quarter: what it paid in the beginning for what it knows in the end. That says something
        only of systems that stay alike.
    loss : str
        What the loss is counted in, for the axis.

    Returns
    -------
    list of matplotlib.lines.Line2D
        One line for each curve but the reference.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is nothing to draw, a name is unknown, or the reference is shorter than a curve.
    TypeError
        If a curve is neither a layer nor numbers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> losses = {"learned": [9.0, 5.0, 3.0, 3.0], "fixed": [4.0, 4.0, 4.0, 4.0]}
    >>> (line,) = regret(losses, Figure().subplots(), reference="fixed")
    >>> line.get_ydata()
    array([0., 5., 6., 5., 4.])
    """
    named = layers if isinstance(layers, Mapping) else {"": layers}
    curves = {name: _cumulative(name, curve) for name, curve in named.items()}
    if isinstance(reference, str):
        if reference not in curves:
            known = ", ".join(map(repr, curves)) if isinstance(layers, Mapping) else "without names"
            raise ValueError(
                f"reference is {reference!r}: the curves are {known}; pass a mapping of names to "
                "layers or losses"
            )
        compared = curves.pop(reference)
        if not curves:
            raise ValueError("there is no curve beside the reference")
    elif reference is None:
        compared = None
    elif np.ndim(reference) == 0:
        longest = max(float(rounds[-1]) for rounds, _ in curves.values())
        compared = np.array([0.0, longest]), np.array([0.0, longest * float(reference)])
    else:
        compared = _cumulative("reference", reference)
    ax = axes(ax, (7, 4))
    lines: list[Line2D] = []
    for k, (name, (rounds, totals)) in enumerate(curves.items()):
        if compared is None:
            excess = totals - rounds * _final_mean(rounds, totals)
        else:
            if compared[0][-1] < rounds[-1]:
                raise ValueError(
                    f"the reference has {compared[0][-1]:g} solves, but {name or 'the curve'} has "
                    f"{rounds[-1]:g}"
                )
            excess = totals - np.interp(rounds, *compared)
        color = palette[k % len(palette)]
        width = 2.4 if k == 0 else 1.4
        lines += ax.plot(rounds, excess, color=color, linewidth=width, label=name or None)
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    ax.set_xlabel("solve")
    if compared is None:
        ax.set_ylabel(f"{loss} beyond those at the end")
    else:
        beyond = reference if isinstance(reference, str) else "the reference"
        ax.set_ylabel(f"{loss} beyond {beyond}")
    ax.margins(x=0)
    open_frame(ax)
    if any(named):
        ax.legend(frameon=False)
    return lines


def _cumulative(name: str, curve: Any) -> tuple[Any, Any]:
    """Return numbers of solves and what they cost together, beginning at no solve."""
    history = getattr(curve, "history", curve)
    if hasattr(history, "rounds") and hasattr(history, "losses"):
        rounds, totals = history.rounds, history.losses
    else:
        try:
            losses = np.asarray(curve, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(
                f"{name or 'the curve'} is {curve!r}: pass a layer, the loss of every solve, or a "
                "mapping of names to these"
            ) from None
        if losses.ndim != 1:
            raise ValueError(
                f"{name or 'the curve'} has shape {losses.shape}: pass a layer, or the loss of "
                "every solve"
            )
        rounds, totals = np.arange(1, losses.size + 1), np.cumsum(losses)
    if not len(rounds):
        raise ValueError(f"{name or 'the curve'} has no solves yet: nothing to draw")
    if not np.all(np.isfinite(totals)):
        raise ValueError(f"{name or 'the curve'} has a loss that is NaN or Inf")
    return np.concatenate([[0], rounds]), np.concatenate([[0.0], totals])


def _final_mean(rounds: Any, totals: Any) -> float:
    """Return the mean loss over the last quarter."""
    start = int(np.searchsorted(rounds, 0.75 * rounds[-1], side="right")) - 1
    start = min(start, rounds.size - 2)
    return float((totals[-1] - totals[start]) / (rounds[-1] - rounds[start]))
