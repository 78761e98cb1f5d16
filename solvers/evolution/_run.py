"""The loop of steps: a part of the batch at a time, watched for blow-up."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from structlin._backend import namespace, on_host
from structlin.solvers.evolution.equation import SpectralEquation

_watch = 16  # steps from one look at the norms to the next
_growth = 1e3  # between two looks, beyond what the linear part explains
_remembered = 2**21  # modes of all lengths of steps that are kept at a time: a choice
resolved = 1e-6  # part of the largest mode beyond which others should have been small: a choice


def plan(times: Any, dt: float) -> list[tuple[int, float]]:
    """Return, for every stretch from one time to the next, how many steps it has, and how long."""
    stretches = []
    for span in np.diff(times, prepend=0.0):
        steps = 0 if span == 0 else max(math.ceil(span / dt * (1 - 1e-12)), 1)
        stretches.append((steps, float(span / max(steps, 1))))
    return stretches


class Watched(NamedTuple):
    """What was seen of the samples while they ran, on the host.

    Attributes
    ----------
    good : (samples,) ndarray
        The times up to which they are good.
    tails, ringing : (samples, times) ndarray
        The largest of the highest modes, and of those that steps leave undamped, over the largest
        of all.
    cut, start : (samples,) ndarray
        The largest value that the dropped modes of the start have, over its largest; and its tail.
    """

    good: Any
    tails: Any
    ringing: Any
    cut: Any
    start: Any

    @classmethod
    def of(cls, count: int, times: int) -> Watched:
        """Return places for so many samples and times."""
        one, all_times = (count,), (count, times)
        return cls(*(np.empty(shape) for shape in (one, all_times, all_times, one, one)))


class Runner:
    """Runs batches of states of one equation through the same stretches of steps."""

    def __init__(
        self, equation: SpectralEquation, scheme: Any, stretches: Any, times: Any, bar: Any
    ) -> None:
        self.equation, self.scheme, self.bar = equation, scheme, bar
        self.stretches, self.times = stretches, times
        self._steppers: list[Any] = []
        self._rate = float(np.max(np.real(equation.linear), initial=0.0))

    def _stepper(self, dt: float, dtype: Any) -> Any:
        """Return what makes steps of this length, which it prepares once."""
        # stretches between times of even distance differ by rounding
        slack = 4 * np.finfo(float).eps * self.times[-1]
        for stepper in self._steppers:
            if abs(stepper.dt - dt) <= slack:
                return stepper
        # as many lengths as there are times, where these are uneven
        room = max(_remembered // max(self.equation.linear.size, 1), 4)
        del self._steppers[: -room + 1]
        self._steppers.append(self.scheme(self.equation, dt, dtype))
        return self._steppers[-1]

    def run(self, U: Any, forcing: Any, out: Any, part: slice) -> Watched:
        """Fill a part of ``out``, (samples, times, *state), from states ``U``."""
        space, count = self.equation.space, U.shape[0]
        c, force = space.to_modes(U), None if forcing is None else space.to_modes(forcing)
        if space.kept is not None:
            c = space.multiplier(space.kept)(c)
        cut = np.zeros(count)
        if space.dealias:
            cut = _ratio(_sizes(U - space.from_modes(c)), _sizes(U))
        tails, ringing = np.full((2, count, len(self.times)), np.nan)
        start = self._tails(c)
        # linear equations: what dies out, and how much of it steps have left
        linear = self.equation.nonlinear is None
        transient = self._transient(c, force) if linear and not self.scheme.damps else None
        gain = growth = np.zeros(self.equation.linear.shape)
        self._sizes, self._looked, self._good = _sizes(c), 0.0, np.full(count, np.inf)
        stepper: Any = None
        memory: Any = None
        t = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows has blown up
            for place, (steps, dt) in enumerate(self.stretches):
                if steps:
                    before, stepper = stepper, self._stepper(dt, c.dtype)
                    memory = memory if stepper is before else None
                    c, memory = self._stretch(c, t, stepper, steps, force, memory)
                t = float(self.times[place])
                # the start comes out as it came in, no modes dropped
                out[part, place, ...] = self._lost(space.from_modes(c), np.nan) if stepper else U
                tails[:, place] = self._tails(c)
                if not self.scheme.damps:
                    if steps and stepper is not before:
                        growth = self.scheme.growth(self.equation.linear * stepper.dt)
                    gain = gain + steps * growth
                    ringing[:, place] = self._ringing(c, transient, self._left(gain, t))
        late = np.isfinite(self._good)[:, None] & (self.times > self._good[:, None])
        tails[late], ringing[late] = np.nan, np.nan
        return Watched(self._good, tails, ringing, cut, start)

    def _stretch(
        self, c: Any, t: float, stepper: Any, steps: int, force: Any, memory: Any
    ) -> tuple[Any, Any]:
        """Return the modes after so many steps, and what the stepper remembers."""
        if self.equation.nonlinear is None:
            c, memory = stepper.leap(c, steps, force, memory)
            self.bar.update(steps)
            return self._watched(c, t + steps * stepper.dt, math.inf), memory
        rest = self.equation.rest
        N = rest if force is None else lambda c, t: rest(c, t) + force
        for k in range(1, steps + 1):
            c, memory = stepper.step(c, t + (k - 1) * stepper.dt, N, memory)
            self.bar.update(1)
            first = self._looked == 0.0
            if k % _watch == 0 or k == steps or first:
                # the first step may lift zero to the size of a force
                c = self._watched(c, t + k * stepper.dt, math.inf if first else _growth)
                if np.all(np.isfinite(self._good)):  # nothing is left to run
                    self.bar.update(steps - k)
                    break
        return c, memory

    def _watched(self, c: Any, t: float, growth: float) -> Any:
        """Return the modes, zero for samples that have blown up since the last look."""
        sizes = _sizes(c)
        growth *= math.exp(min(self._rate * (t - self._looked), 600.0))
        grown = (sizes > growth * self._sizes) & (self._sizes > 0)
        bad = (~np.isfinite(sizes) | grown) & np.isinf(self._good)
        if np.any(bad):
            self._good[bad] = self._looked
            c = self._lost(c, 0.0)
        self._sizes, self._looked = sizes, t
        return c

    def _lost(self, x: Any, value: float) -> Any:
        """Return the array with another value where samples have blown up."""
        if np.all(np.isinf(self._good)):
            return x
        xp = self.equation.space.xp
        lost = np.isfinite(self._good).reshape(-1, *(1,) * (x.ndim - 1))
        lost = xp.asarray(lost, device=self.equation.space.device)
        return xp.where(lost, xp.full_like(x, value), x)

    def _tails(self, c: Any) -> Any:
        """Return the largest of the highest modes over the largest of all, on the host."""
        high = self.equation.space.highest
        if high is None:
            return np.nan
        return _ratio(_sizes(self.equation.space.multiplier(high)(c)), _sizes(c))

    def _transient(self, c: Any, force: Any) -> Any:
        """Return how far modes of a linear equation are from where they come to rest."""
        if force is None:
            return c
        L = self.equation.linear
        stiff = np.real(L) * self.times[-1] < math.log(resolved)  # no others are asked for
        rest = np.where(stiff, 1 / np.where(stiff, L, 1.0), 0.0)
        return c + force * self.equation.space.put(rest, c.dtype)

    def _ringing(self, c: Any, transient: Any, left: Any) -> Any:
        """Return the largest mode that steps have left undamped, over the largest of all.

        Of equations that are not linear they are sought among the highest ones.
        """
        if not np.any(left):
            return 0.0
        if transient is None:
            high = self.equation.space.highest
            left, transient = (left > 0) & (False if high is None else high), c
        whole = np.maximum(_sizes(c), _sizes(transient))  # what is left of c may be rounding
        return _ratio(_sizes(transient * self.equation.space.put(left, c.dtype)), whole)

    def _left(self, gain: Any, t: float) -> Any:
        """Return which part of modes is left at a time, of those that should be small by then."""
        limit = math.log(resolved)
        undamped = (gain > limit) & (np.real(self.equation.linear) * t < limit)
        if not np.any(undamped):
            return undamped
        return np.where(undamped, np.exp(np.minimum(gain, 0.0)), 0.0)


def _ratio(part: Any, whole: Any) -> Any:
    return part / np.maximum(whole, np.finfo(float).tiny)


def _sizes(c: Any) -> Any:
    """Return the largest mode of every sample, on the host."""
    if 0 in c.shape:  # between given values, there may be no unknown
        return np.zeros(c.shape[0])
    xp = namespace(c)
    return on_host(xp.max(xp.reshape(xp.abs(c), (c.shape[0], -1)), axis=1))
