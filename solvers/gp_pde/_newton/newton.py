"""Newton's method in spaces of features that are chosen anew as the iterate gets better."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.solvers.gp_pde._data.boundary import largest
from structlin.solvers.gp_pde._data.terms import Term
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._newton.linearisation import Iterate, Semilinear
from structlin.solvers.gp_pde._newton.loose_lines import loose_line_prior
from structlin.solvers.gp_pde._posteriors.products import Conditioned, condition_products
from structlin.solvers.gp_pde._priors.prior import Prior, extension_prior, line_prior
from structlin.solvers.gp_pde.solve_linear_pde import unresolved, unsolved

# the relative residual at which exact data count as met: that of a linear problem
enough = {"lines": unresolved, "extension": unsolved}
# a step that changes the solution by less than this part of it is the last one
last_change = {64: 1e-8, 32: 1e-4}
# where no step makes the residual smaller, rounding errors are the reason below this change
settled_change = {64: 1e-6, 32: 1e-3}
# the same along a continuation, where the iterate is only passed on
rough_change = 1e-3
# damping of a step, and the part of the residual that a damped step has to gain (Armijo)
least_damping, least_gain = 1 / 64, 1e-4
# the same of a first step to where the nonlinear term overflows
least_first_damping = 2.0**-40
# by how much the residual of a noisy source may grow in a step; chosen
noise_growth = 2.0
# root mean square of the residual of a noisy source, in units of its noise, that counts as noise
most_noise = 3.0
# how often lines are looked for anew
most_refreshes = 6
# what lines may leave of the data at first, where the nonlinear term blurs them, and how much less
# they may leave each time; chosen by trial on Allen-Cahn problems in the plane
first_left_out, less_left_out, least_left_out = 1e-2, 1e-2, 1e-8
# features allow no more where a full step changes the solution by less than this part of it, and
# leaves more than half of the residual
little_change = 1e-2
# the first and the least step of the continuation in the strength of the nonlinear term
first_stride, least_stride = 0.25, 1 / 256
# unknowns of a step, whose normal matrix is factorised in each: ten seconds
most_unknowns = 6000
# features that change no value by more than this part are left out: always, and, in units of what
# the lines leave of the data, where weak lines are left out as well
compression, loose_compression = 1e-13, 1e-3


@dataclass(frozen=True)
class NewtonStep:
    """One step of Newton's method.

    Attributes
    ----------
    strength : float
        The factor of the nonlinear term, below 1 during a continuation.
    damping : float
        The part of the step that was taken.
    change : float
        The change of the solution, relative to it.
    residual : float
        Root mean square of the residual of the nonlinear equation after the step, relative to the
        largest term of the equation.
    route : str
        How the features of the step were chosen.
    """

    strength: float
    damping: float
    change: float
    residual: float
    route: str


@dataclass(frozen=True, eq=False)
class Space:
    """Features of every axis, and what their sums are multiplied by."""

    prior: Prior
    features: tuple[Features, ...]
    scale: float


@dataclass(frozen=True, eq=False)
class State:
    """An iterate, where it lives, and the posterior of its last step.

    ``change`` is the size of that step, relative to the iterate, whether it was taken or refused.
    """

    space: Space
    weights: Any
    iterate: Iterate
    posterior: Conditioned
    change: float
    residual: float
    status: str


class Newton:
    """The search for a solution of a semilinear problem.

    Parameters
    ----------
    equation : Semilinear
    kernel : {"auto", "lines", "extension"}
    seed : int
    maxiter : int
    """

    def __init__(self, equation: Semilinear, kernel: str, seed: int, maxiter: int) -> None:
        self.equation, self.kernel, self.seed, self.maxiter = equation, kernel, seed, maxiter
        self.bits = equation.problem.grid.xp.finfo(equation.problem.grid.dtype).bits
        self.history: list[NewtonStep] = []
        self.continued = False
        self.left_out = first_left_out

    def solved(self) -> State:
        """Return the best iterate that was found."""
        start = self.equation.zero()
        space = self._first_lines(start) if self.kernel != "extension" else None
        space = space or self._extension(start)
        if space is None:
            raise ValueError(
                "the source and the boundary data have no few spectral lines, and a Fourier series "
                f"needs more than {most_unknowns} unknowns: take fewer nodes per axis"
            )
        best = self._descended(self.equation, start, None, space)
        if self.kernel != "extension":
            best = self._refreshed(best)
        if best.status != "converged" and self.kernel == "auto":
            best = self._refreshed(self._tried(best, self._extension(best.iterate)))
        if best.status != "converged" and len(self.history) < self.maxiter:
            best = self._continuation(best)
        return best

    def _refreshed(self, best: State) -> State:
        """Look for lines at the iterate, which the nonlinear term blurs at the start."""
        for _ in range(most_refreshes):
            space = self._lines(best.iterate)
            if space is None or space.prior.lines == best.space.prior.lines:
                break
            found = self._tried(best, space)
            if found is best:
                break
            best = found
            if best.status == "converged":
                break
        return best

    def _tried(self, best: State, space: Space | None) -> State:
        """Go on from an iterate in another space; return what it gives, or the iterate."""
        if space is None or len(self.history) >= self.maxiter:
            return best
        found = self._descended(self.equation, best.iterate, None, space)
        if found.status == "converged" and best.status == "converged":
            # both meet the equation at the nodes; fewer lines say more between them
            return found
        return found if _rank(found) < _rank(best) else best

    def _continuation(self, best: State) -> State:
        """Bring the nonlinear term in step by step."""
        self.continued = True
        strength, stride = 0.0, first_stride
        weak = dataclasses.replace(self.equation, strength=0.0)
        space = best.space
        state = self._descended(weak, weak.zero(), None, space, rough=True)
        while strength < 1.0 and stride >= least_stride and len(self.history) < self.maxiter:
            goal = min(strength + stride, 1.0)
            harder = dataclasses.replace(self.equation, strength=goal)
            found = state
            if defined := math.isfinite(self._residual(harder, state.iterate)[0]):
                found = self._descended(harder, state.iterate, state.weights, space, goal < 1.0)
            if defined and found.status == "converged":
                strength, state, stride = goal, found, 2 * stride
            else:
                stride /= 2
        if strength < 1.0:
            return best
        if self.kernel != "extension":
            state = self._refreshed(state)
        return state if _rank(state) < _rank(best) else best

    def _descended(
        self, equation: Semilinear, u: Iterate, weights: Any, space: Space, rough: bool = False
    ) -> State:
        """Take steps in one space until they end.

        ``weights`` are those of ``u`` in the space, or None where it does not live there: then the
        first step is a full one, from zero possibly less where the equation is not defined there.
        """
        shape = tuple(f.count for f in space.features)
        final = rough_change if rough else last_change[self.bits]
        bounded = weights is not None  # whether the iterate has the boundary data
        before, top = self._residual(equation, u)
        exhausted = False
        while True:
            linear = equation.linearised(u).scaled(1 / space.scale)
            posterior = condition_products(linear.blocks(space.features), shape)
            target = space.scale * posterior.weights
            v = equation.iterate(space.features, target)
            weights = 0 * target if weights is None else weights
            if bounded:
                damping = self._damping(equation, u, v, before, least_damping)
            elif math.isfinite(self._residual(equation, v)[0]):
                damping = 1.0
            else:
                least = least_first_damping if _vanishes(u) else 1.0
                damping = self._damping(equation, u, v, before, least)
            change = (damping or 1.0) * _distance(v, u)
            if damping == 0.0:
                break
            weights = target if damping == 1.0 else weights + damping * (target - weights)
            u = u.towards(v, damping)
            bounded = bounded or damping == 1.0
            former = before
            before, top = self._residual(equation, u)
            self.history.append(
                NewtonStep(
                    equation.strength, damping, change, before / (top or 1.0), space.prior.route
                )
            )
            exhausted = not self._noisy and change <= little_change and before > 0.5 * former
            if len(self.history) >= self.maxiter:
                break
            if damping == 1.0 and (change <= final or exhausted):
                break
        residual = before / (top or 1.0)
        met = rough or self._met(before, residual, space)
        if damping == 0.0:
            # rounding errors allow no gain near a solution, and nothing else does far from one
            settled, ended = change <= (final if rough else settled_change[self.bits]), True
        else:
            settled = damping == 1.0 and change <= final
            ended = settled or exhausted
        status = "max_iterations" if not ended else "stagnated"
        status = "converged" if bounded and met and settled else status
        return State(space, weights, u, posterior, change, residual, status)

    def _met(self, gap: float, residual: float, space: Space) -> bool:
        """Return whether a residual is small enough: in units of the noise, if there is any."""
        noise = self.equation.problem.noise
        if noise is None:
            return residual <= self._limit(space)
        if not isinstance(noise, float):
            xp = namespace(noise)
            top = float(xp.max(noise))
            noise = top * math.sqrt(float(xp.mean((noise / top) ** 2)))
        return gap <= most_noise * noise

    def _damping(
        self, equation: Semilinear, u: Iterate, v: Iterate, before: float, least: float
    ) -> float:
        """Return the largest part of a step that makes the residual smaller; 0 if none does."""
        damping = 1.0
        while damping >= least:
            after, _ = self._residual(equation, u.towards(v, damping))
            # a smooth solution leaves the noise, and may leave more of it than a rough one
            allowed = noise_growth if self._noisy else 1 - least_gain * damping
            if math.isfinite(after) and after <= allowed * before:
                return damping
            damping /= 2
        return 0.0

    def _residual(self, equation: Semilinear, u: Iterate) -> tuple[float, float]:
        """Return the root mean square of the residual, and the largest term of the equation."""
        with np.errstate(over="ignore", invalid="ignore"):
            gap, top = equation.residual(u)
            xp = namespace(gap)
            size = float(xp.max(xp.abs(gap)))
            if size == 0 or not math.isfinite(size):
                return size, top
            return size * math.sqrt(float(xp.mean((gap / size) ** 2))), top

    @property
    def _noisy(self) -> bool:
        return self.equation.problem.noise is not None

    def _limit(self, space: Space) -> float:
        return enough["lines" if space.prior.route == "lines" else "extension"][self.bits]

    def _first_lines(self, u: Iterate) -> Space | None:
        """Return features around the strongest lines, or around all where they are cheap."""
        if self.equation.problem.grid.ndim == 1:
            return self._lines(u)
        return self._loose_lines(u) or self._lines(u)

    def _lines(self, u: Iterate) -> Space | None:
        """Return features around the lines of ``f − N(u)`` and of the boundary data, if any."""
        problem, scale = self._frozen(u)
        prior = line_prior(problem, self.seed)
        space = None if prior is None else self._space(prior, scale)
        return space or self._loose_lines(u)

    def _loose_lines(self, u: Iterate) -> Space | None:
        """Return features around lines that leave a little of the data, less each time."""
        problem, scale = self._frozen(u)
        while problem.grid.ndim > 1 and self.left_out >= least_left_out:
            left_out, self.left_out = self.left_out, self.left_out * less_left_out
            prior = loose_line_prior(problem, left_out, self.seed)
            if prior is not None:
                space = self._space(prior, scale, loose_compression * left_out)
                if space is not None:
                    return space
        return None

    def _extension(self, u: Iterate) -> Space | None:
        """Return the features of a Fourier series on a larger box, unless they are too many."""
        problem, scale = self._frozen(u)
        return self._space(extension_prior(problem), scale)

    def _frozen(self, u: Iterate) -> tuple[Any, float]:
        frozen = self.equation.frozen(u)
        scale = frozen.scale()
        return frozen.scaled(1 / scale), scale

    def _space(self, prior: Prior, scale: float, tol: float = compression) -> Space | None:
        """Return the features of a prior, rotated to as few as all linearised equations need.

        None where these are too many.
        """
        problem = self.equation.problem
        nothing = (None,) * problem.grid.ndim
        extra = tuple(Term(orders, nothing) for orders in self.equation.arguments)
        widest = dataclasses.replace(problem, terms=problem.terms + extra)
        features = widest.compressed(prior.features, tol)
        if math.prod(f.count for f in features) > most_unknowns:
            return None
        return Space(prior, features, scale)


def _rank(state: State) -> tuple[bool, float]:
    """Return what is smaller for the better of two iterates."""
    gap = state.residual if math.isfinite(state.residual) else math.inf
    return state.status != "converged", gap


def _distance(v: Iterate, u: Iterate) -> float:
    """Return the norm of a difference, relative to that of the first."""
    values = [w.derivatives[min(w.derivatives)] for w in (v, u)]
    xp = namespace(*values)
    top = float(xp.max(xp.abs(values[0])))
    if top == 0 or not math.isfinite(top):
        return math.inf if top else float(xp.max(xp.abs(values[1])))
    gap = (values[0] - values[1]) / top
    return math.sqrt(float(xp.sum(gap * gap)) / float(xp.sum((values[0] / top) ** 2)))


def _vanishes(u: Iterate) -> bool:
    return not any(largest(values) for values in u.derivatives.values())
