"""A multigrid cycle: smoothing, correction from the coarser grid, smoothing."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable
from typing import Any

from structlin._backend import kernel, namespace
from structlin._kernels import multigrid_sweeps as sweeps, multigrid_transfers as transfers
from structlin.solvers.krylov._chebyshev import Recurrence
from structlin.solvers.multigrid._levels import Hierarchy, Level

_smoothers = ("red-black", "lexicographic", "jacobi", "line", "chebyshev")
_cycles = ("V", "W", "F")
# 0.8 smooths a five-point stencil best; 1.1 was chosen by trial on Laplacians and on blocks of
# contrast 100, between the best in two and in three dimensions
_omegas = {"jacobi": 0.8, "red-black": 1.1, "lexicographic": 1.0, "line": 1.0}
_interval = 0.25  # of Chebyshev: what a coarse grid cannot represent of a five-point stencil


@dataclasses.dataclass(frozen=True)
class Knobs:
    """What a cycle can be asked to do; None stands for the smoother's usual value."""

    smoother: str = "red-black"
    omega: float | None = None
    interval: float | None = None
    cycle: str = "V"
    pre: int = 1
    post: int = 1

    def __post_init__(self) -> None:
        """Check the values, and put numbers where there are usual ones.

        Raises
        ------
        TypeError, ValueError
            If a value is none of those possible.
        """
        for name, known in (("smoother", _smoothers), ("cycle", _cycles)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}: use one of {', '.join(map(repr, known))}"
                )
        for name in ("pre", "post"):
            count = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, numbers.Integral) or count < 0:
                raise ValueError(f"{name} is {count!r}: a number of sweeps is an integer >= 0")
        if self.pre + self.post == 0:
            raise ValueError("pre and post are 0: a cycle needs a sweep")
        polynomial = self.smoother == "chebyshev"
        unused, used, top = ("omega", "interval", 1) if polynomial else ("interval", "omega", 2)
        if getattr(self, unused) is not None:
            raise ValueError(f"smoother {self.smoother!r} has no {unused}: it takes {used}")
        usual = _interval if polynomial else _omegas[self.smoother]
        value = usual if getattr(self, used) is None else getattr(self, used)
        if not isinstance(value, numbers.Real) or not 0 < float(value) < top:
            raise ValueError(f"{used} is {value!r}: it must be a number with 0 < {used} < {top}")
        object.__setattr__(self, used, float(value))
        object.__setattr__(self, "pre", int(self.pre))
        object.__setattr__(self, "post", int(self.post))

    @property
    def parameter(self) -> float:
        """The number that the smoother takes: its ``omega``, or its ``interval``."""
        value = self.interval if self.smoother == "chebyshev" else self.omega
        return float(value or 0.0)  # there is one

    def changed(self, **changes: Any) -> Knobs:
        """Return these with some values changed.

        Raises
        ------
        TypeError
            If a name is unknown.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise TypeError(f"there is no knob {name!r}: there are {', '.join(known)}")
        if changes.get("smoother", self.smoother) != self.smoother:
            changes = {"omega": None, "interval": None, **changes}
        return dataclasses.replace(self, **changes)

    def told(self) -> dict[str, Any]:
        """Return the values that are used, by name."""
        return {name: v for name, v in dataclasses.asdict(self).items() if v is not None}


def cycle(hierarchy: Hierarchy, knobs: Knobs, x: Any, b: Any, *, symmetric: bool) -> Any:
    """Return the iterate after one cycle for ``A x = b``; ``x`` is used up.

    In a symmetric one, the sweeps after the correction are adjoint to those before it.
    """
    return _descend(hierarchy, knobs, symmetric, 0, knobs.cycle, x, b)


def _descend(
    hierarchy: Hierarchy, knobs: Knobs, symmetric: bool, number: int, shape: str, x: Any, b: Any
) -> Any:
    xp = namespace(b)
    level = hierarchy.levels[number]
    if level.P is None:
        return xp.reshape(hierarchy.inverse @ xp.reshape(b, (-1,)), b.shape)
    x = _smoothed(level, knobs, knobs.pre, x, b, backward=False)
    r = residual(level, x, b)
    r = kernel(xp, transfers.restrict)(r, level.P, level.axes)
    e = _descend(hierarchy, knobs, symmetric, number + 1, shape, xp.zeros_like(r), r)
    if shape != "V" and hierarchy.levels[number + 1].P is not None:  # the last one is exact
        e = _descend(hierarchy, knobs, symmetric, number + 1, "W" if shape == "W" else "V", e, r)
    x = kernel(xp, transfers.prolong)(x, e, level.P, level.axes)
    return _smoothed(level, knobs, knobs.post, x, b, backward=symmetric)


def residual(level: Level, x: Any, b: Any) -> Any:
    """Return ``b − A x`` on one level."""
    compute = kernel(namespace(b), sweeps.residual)
    return compute(x, b, level.coefficients, level.offsets, level.periodic)


def _smoothed(level: Level, knobs: Knobs, count: int, x: Any, b: Any, *, backward: bool) -> Any:
    """Return the iterate after some sweeps; backward ones are adjoint to forward ones."""
    if knobs.smoother == "chebyshev":
        return _polynomial(level, knobs.parameter, count, x, b)
    if knobs.smoother == "jacobi":
        step = knobs.parameter / level.coefficients[0, ...]
        for _ in range(count):
            x = x + step * residual(level, x, b)
        return x
    for _ in range(count):
        for relax in _relaxations(level, knobs.smoother, backward):
            x = relax(x, b, knobs.parameter, backward)
    return x


def _relaxations(
    level: Level, smoother: str, backward: bool
) -> list[Callable[[Any, Any, float, bool], Any]]:
    """Return the relaxations that make up one sweep: along every axis, where lines are relaxed.

    Where a level is one line that cannot be solved with, its points are relaxed in turn.
    """
    xp = namespace(level.coefficients)
    stencil = level.coefficients, level.offsets, level.periodic
    if smoother == "line" and level.lines:
        lines = kernel(xp, sweeps.relax_lines)

        def along(axis: int) -> Callable[[Any, Any, float, bool], Any]:
            return lambda x, b, omega, back: lines(x, b, *stencil, axis, omega, back)

        long = [axis for axis, size in enumerate(level.grid) if size > 1]
        return [along(axis) for axis in (reversed(long) if backward else long)]
    red_black = smoother == "red-black"
    points = kernel(xp, sweeps.relax_colors if red_black else sweeps.relax_lexicographic)
    return [lambda x, b, omega, back: points(x, b, *stencil, omega, back)]


def _polynomial(level: Level, interval: float, degree: int, x: Any, b: Any) -> Any:
    """Return the iterate after the Chebyshev iteration on the upper part of the spectrum."""
    recurrence = Recurrence(interval * level.bound, level.bound)
    for _ in range(degree):
        x = x + recurrence.step(residual(level, x, b) / level.coefficients[0, ...])
    return x


def complexity(hierarchy: Hierarchy) -> float:
    """Return how many coefficients all levels have, relative to those of the finest one."""
    sizes: list[int] = [math.prod(level.coefficients.shape) for level in hierarchy.levels]
    points = math.prod(hierarchy.levels[0].grid) * len(hierarchy.levels[0].offsets)
    return (points + sum(sizes[1:])) / points
