"""Tsallis-INF for every bin of a context: what is learned in one says nothing of the others."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._tsallis_tables import Estimator, TsallisTables

_most_cells = 2**16


class ContextBinned(TsallisTables):
    """A `TsallisINF` of its own in each of equal bins of the context.

    It assumes nothing of how the losses depend on the context, and pays for that: each bin
    explores anew. `ChebCB` learns faster where they depend on it smoothly.

    Parameters
    ----------
    arms : int or sequence
        Number of arms, or the values that they stand for.
    contexts : (low, high), or sequence of such pairs
        The range of the context, or of each of its components.
    bins : int
        Number of bins of each component.
    estimator, least, discount
        As in `TsallisINF`; a round discounts those before it in its own bin only.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.

    Attributes
    ----------
    arms : int
        Number of arms.
    values : tuple
        What the arms stand for; their numbers by default.
    rounds : int
        Losses told so far.

    Raises
    ------
    ValueError
        If there is no arm, no bin, or too many, or a number is outside its range.

    Notes
    -----
    The bins of a component in ``[a, b]`` have the centres ``a + (b − a)(j − ½)/m``. A decision
    costs ``O(arms)`` time, and the memory is ``O(arms bins^components)``, whatever the number of
    rounds. Where the losses are Lipschitz in the context, ``m ∝ T^(1/4)`` bins balance what they
    blur with what they explore in ``T`` rounds [1]_.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
       parameters across a sequence of linear system instances", ICLR 2024.

    Examples
    --------
    >>> learner = ContextBinned(2, (0, 1), bins=2, rng=0)
    >>> for k in range(400):
    ...     play = learner.ask(context=k % 2)
    ...     learner.tell(play, 5 if play.arm == k % 2 else 9)
    >>> [int(learner.probabilities_at(c).argmax()) for c in (0.2, 0.8)]
    [0, 1]
    """

    def __init__(
        self,
        arms: int | Sequence[Any],
        contexts: Sequence[Any],
        *,
        bins: int = 5,
        estimator: Estimator = "reduced-variance",
        least: float = 0.0,
        discount: float = 1.0,
        rng: Any = None,
    ) -> None:
        space = ContextSpace(contexts)
        self.bins = operator.index(bins)
        if self.bins < 1:
            raise ValueError(f"bins is {bins}: at least one is needed")
        cells = self.bins ** len(space.bounds)
        if cells > _most_cells:
            raise ValueError(
                f"{bins} bins of each of {len(space.bounds)} components make {cells} cells: "
                f"at most {_most_cells} are possible, and few are learned soon"
            )
        settings = {"contexts": [list(pair) for pair in space.bounds], "bins": self.bins}
        self._space = space
        super().__init__(cells, arms, estimator, least, discount, settings, space, rng)

    def __repr__(self) -> str:
        return f"<ContextBinned {self.arms} arms in {len(self._p)} bins, {self.rounds} rounds>"

    def probabilities_at(self, context: Any) -> NDArray[np.float64]:
        """Return the probabilities of the next draw for a context: (arms,) array."""
        with self._lock:
            return np.array(self._p[self._cell(self._space.inside(context)[0])])

    def _cell(self, context: tuple[float, ...]) -> int:
        return cell_of(self._space.scaled(context), self.bins)


def cell_of(place: tuple[float, ...], bins: int) -> int:
    """Return the number of the cell of a place in ``[−1, 1]^k`` with ``bins`` along each axis."""
    cell = 0
    for coordinate in place:
        along = math.floor((coordinate + 1) / 2 * bins)
        cell = cell * bins + min(max(along, 0), bins - 1)
    return cell
