"""ChebCB: regression of every arm's loss on the context, and draws by the gaps predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._kernels import arm_regressions
from structlin.solvers.learners._arm_regressions import ArmRegressions
from structlin.solvers.learners._arms import compiled
from structlin.solvers.learners._context import ContextSpace
from structlin.solvers.learners._learner import Outcome, Play


class ChebCB(ArmRegressions):
    """Contextual bandit: Chebyshev regression of the losses, inverse-gap weighting of the arms.

    What is learned of an arm in one context is used in all, as a polynomial: the fewer
    coefficients describe how the losses depend on the context, the sooner they are known.

    Parameters
    ----------
    arms : int or sequence
        Number of arms, or the values that they stand for.
    contexts : (low, high), or sequence of such pairs
        The range of the context, or of each of its components.
    degree : int
        Total degree of the polynomials.
    least : float
        The least loss conceivable, which is subtracted from all: 1 for iteration counts.
    discount : float
        Factor in (0, 1] by which every round lessens the weight of those before it. Below 1, the
        learner follows losses that drift.
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
        If there is no arm, or a number is outside its range.

    Notes
    -----
    The loss of arm ``i`` is predicted as ``ŷ_i = Σ_j θ_ij T_j(z)`` at the context's place ``z`` in
    [−1, 1], with the coefficients of least squares in the box ``|θ_i0| ≤ K``, ``|θ_ij| ≤ 2 K/j``,
    where ``K`` is the largest loss told: that holds for functions whose slope in the context
    is ``K`` over its range. Contexts of several components take the products of total degree
    ``j``. Of ``d`` arms, all but the best predicted are drawn with ``p_i = 1/(d + η (ŷ_i − ŷ*))``
    (inverse-gap weighting, [2]_), and that one with the rest. After ``t`` rounds

        ``η = 2 t √(d t / (R + 2 α² t))``, ``α = K (π + (2/π) ln(2 m + 1)) / (2 (m + 1))``

    with the squared errors ``R`` of all predictions and the error ``α`` of interpolation by
    ``m`` coefficients in one component. This is the method of [1]_ in ``O(1)`` memory: every arm
    keeps the normal equations of its rounds instead of the rounds. A decision costs ``O(d m)``, an
    update ``O(m³)``, or ``O(d m³)`` when ``K`` grows or with a discount. A censored loss counts as
    ``K``, or as itself if it is larger.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
       parameters across a sequence of linear system instances", ICLR 2024.
    .. [2] D. J. Foster and A. Rakhlin, "Beyond UCB: optimal and efficient contextual bandits with
       regression oracles", ICML 2020.

    Examples
    --------
    >>> learner = ChebCB([0.0, 0.5, 1.0], (0, 1), degree=2, rng=0)
    >>> for k in range(300):
    ...     play = learner.ask(context=k % 11 / 10)
    ...     learner.tell(play, 1 + (play.value - k % 11 / 10) ** 2)
    >>> [int(learner.predictions(c).argmin()) for c in (0.1, 0.5, 0.9)]
    [0, 1, 2]
    """

    def __init__(
        self,
        arms: int | Sequence[Any],
        contexts: Sequence[Any],
        *,
        degree: int = 5,
        least: float = 0.0,
        discount: float = 1.0,
        rng: Any = None,
    ) -> None:
        super().__init__(arms, ContextSpace(contexts), degree, least, discount, rng)
        degrees = self._exponents.sum(1)
        m = len(degrees)
        # both are times the largest loss
        self._box = np.where(degrees > 0, 2 / np.maximum(degrees, 1), 1.0)
        self._alpha = (math.pi + 2 / math.pi * math.log(2 * m + 1)) / (2 * (m + 1))
        self._p = np.empty(self.arms)

    def probabilities_at(self, context: Any) -> NDArray[np.float64]:
        """Return the probabilities of the next draw for a context: (arms,) array."""
        with self._lock:
            self._look(self._inside(context))
            compiled(arm_regressions.gap_probabilities)(
                self._place,
                self._exponents,
                self._theta,
                self._sums,
                self._alpha,
                self._p,
                self._work,
            )
            return self._p.copy()

    def _fit(self) -> None:
        compiled(arm_regressions.fit_in_box)(
            self._gram, self._moments, self._sums, self._box, -1, self._theta, self._work
        )

    def _ask(self, context: tuple[float, ...], clipped: bool) -> Play:
        self._look(context)
        arm = compiled(arm_regressions.draw_by_gaps)(
            self._place,
            self._exponents,
            self._theta,
            self._sums,
            self._alpha,
            1.0 - self._rng.random(),
            self._p,
            self._work,
        )
        return Play(self.values[arm], arm, float(self._p[arm]), context, clipped)

    def _tell(self, play: Play, outcome: Outcome) -> None:
        arm, loss = self._checked(play, outcome)
        self._look(play.context)
        compiled(arm_regressions.learn_in_box)(
            self._place,
            self._exponents,
            self._theta,
            self._gram,
            self._moments,
            self._sums,
            self._box,
            arm,
            loss,
            self.discount,
            self._work,
        )
