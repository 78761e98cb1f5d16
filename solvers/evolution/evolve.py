"""Evolution equations run to the times asked for, in batches, watched while they run."""

from __future__ import annotations

import contextlib
import importlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, is_numpy
from structlin._errors import ConvergenceWarning
from structlin._validation import require_positive
from structlin.solvers.evolution._run import Runner, Watched, plan, resolved
from structlin.solvers.evolution.eigen_space import EigenSpace
from structlin.solvers.evolution.equation import SpectralEquation
from structlin.solvers.evolution.etdrk4 import Etdrk4
from structlin.solvers.evolution.imex import Cnab2, Sbdf2

Method = Literal["etdrk4", "cnab2", "sbdf2"]
_schemes: dict[str, Any] = {"etdrk4": Etdrk4, "cnab2": Cnab2, "sbdf2": Sbdf2}
_part = 2**15  # numbers of all states worked on at once: by trial, what a core's cache holds
_cut = 1e-3  # part of a start that the modes of a space may leave out: a choice


@dataclass(frozen=True, eq=False)
class Evolution:
    """What `evolve` computed.

    Attributes
    ----------
    u : (..., times, *state) array
        The states: samples first, then times, then (where there are several) functions, then the
        grid. There is no axis of times where ``times`` was a number.
    times : (times,) ndarray
        The times.
    dt : float
        The longest step that was made.
    steps : int
        How many steps every sample made.
    dt_max : float
        The longest step for which the explicit part was expected to be stable at the start;
        infinite where nothing limits it, or nothing is known.
    spectral_tail : (..., times) ndarray
        The largest of the highest modes over the largest of all: large where the grid is too
        coarse. NaN for spaces that do not know which modes these are.
    blow_up : (...,) ndarray
        The time until which a sample is good: infinite where it did not blow up. Later states are
        NaN.
    """

    u: Any
    times: NDArray[np.float64]
    dt: float
    steps: int
    dt_max: float
    spectral_tail: NDArray[np.float64]
    blow_up: NDArray[np.float64]

    @property
    def status(self) -> str:
        """``"finished"``, or ``"blew up"`` where a sample did."""
        return "finished" if np.all(np.isinf(self.blow_up)) else "blew up"

    def __repr__(self) -> str:
        samples = self.blow_up.size
        return (
            f"<Evolution of {samples} sample{'' if samples == 1 else 's'} to t={self.times[-1]:g}: "
            f"{self.steps} steps of {self.dt:.3g}, {self.status}>"
        )


def evolve(
    equation: SpectralEquation,
    u0: Any,
    times: Any,
    *,
    dt: float | None = None,
    method: Method = "etdrk4",
    progress: bool | None = None,
) -> Evolution:
    """Run an equation from states at time zero to the times asked for.

    Parameters
    ----------
    equation : SpectralEquation
        Such as `burgers` and the other functions beside it return.
    u0 : (..., *state) array
        One state, or samples of them along leading axes. Its precision is that of the run; it is
        taken as complex if the forcing is, or the symbol of an `EigenSpace`.
    times : float or (times,) array
        When states are wanted: ascending, none negative.
    dt : float, optional
        The longest step; every stretch from one time to the next is cut into equal ones. By default
        an eighth of the longest stable step, or a hundredth of the last time if that is less; this
        needs an equation that knows its rates. Those without a nonlinear part are exact by
        ``"etdrk4"`` and need no steps.
    method : {"etdrk4", "cnab2", "sbdf2"}
        Exponential time differencing of order four; Crank–Nicolson or backward differences of order
        two, with the nonlinear part extrapolated. For equations without a nonlinear part the latter
        are the methods of Crank and Nicolson and BDF2, and all steps of a stretch are made at once.
    progress : bool, optional
        Whether to show a progress bar; by default if the run takes longer than a second.

    Returns
    -------
    Evolution
        The states, and how the run went.

    Raises
    ------
    ValueError
        If shapes do not fit the grid, a number is NaN or Inf (the message names the sample), times
        do not ascend, or there is no step where one is needed; or if what the equation's functions
        return does not fit.
    TypeError
        If ``u0`` is complex but the space real, or belongs to another array library; if
        ``equation`` is none.

    Warns
    -----
    ConvergenceWarning
        If ``dt`` is longer than the longest stable step at the start; if samples blew up: became
        infinite, or grew by a factor 1000 in 16 steps, beyond what the linear part can do; if the
        modes that the space drops make more than 1e-3 of a start, in the maximum norm; if
        ``"cnab2"`` leaves more than 1e-6 of the largest mode in modes that should have died out;
        and if the highest modes have more than 1e-6 of the largest one at a time after the start,
        because the grid is too coarse.

    Notes
    -----
    A step of ``"etdrk4"`` evaluates the nonlinear part four times, one of the others once; each
    evaluation for the equation of Burgers costs two FFTs. Samples are worked on in parts that stay
    in the cache.

    Steps of ``"cnab2"`` multiply modes by ``(1 + dt L/2)/(1 − dt L/2)``, which is nearly −1 where
    ``|dt L|`` is large: what a rough start, or one that jumps to the values on the sides, has of
    stiff modes then rings from step to step instead of dying out. The other methods damp it, and
    so do steps so short that ``|dt L|`` is of order 1.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import burgers, evolve
    >>> grid = Grid.uniform([(0, 1)], 256, kind="periodic")
    >>> u0 = np.sin(2 * np.pi * grid.axes[0]) * np.array([[0.5], [1.0]])
    >>> run = evolve(burgers(grid, 0.05), u0, [0.5, 1.0], dt=0.01)
    >>> run.u.shape, run
    ((2, 2, 256), <Evolution of 2 samples to t=1: 100 steps of 0.01, finished>)
    """
    u0 = _states(equation, u0)
    wanted, several = _checked_times(times)
    scheme = _scheme(method)
    state, xp = equation.state_shape, equation.space.xp
    batch, U, forcing = _samples(equation, u0)
    dt_max = _limit(equation, u0, scheme)
    stretches = plan(wanted, _step(equation, dt, dt_max, scheme.exact, wanted[-1]))
    longest, steps = max(h for _, h in stretches), sum(m for m, _ in stretches)
    if longest > dt_max:
        _warn(
            f"steps of {longest:.3g} are asked for, but {method} steps of {equation.name} are only "
            f"known to be stable up to {dt_max:.3g} from this start: the run may blow up",
            depth=1,
        )
    count = U.shape[0]
    rows = max(1, _part // math.prod(state)) if is_numpy(xp) else max(count, 1)
    starts = range(0, count, rows)
    out = xp.empty((count, len(wanted), *state), dtype=U.dtype, device=device(U))
    watched = Watched.of(count, len(wanted))
    with _bar(progress, len(starts) * steps, equation.name) as bar:
        runner = Runner(equation, scheme, stretches, wanted, bar)
        for start in starts:
            part = slice(start, min(start + rows, count))
            force = forcing if forcing is None or forcing.shape[0] == 1 else forcing[part, ...]
            for all_samples, these in zip(
                watched, runner.run(U[part, ...], force, out, part), strict=True
            ):
                all_samples[part] = these
    axis = (len(wanted),) if several else ()
    u = xp.reshape(out, (*batch, *axis, *state))
    tail, good = watched.tails.reshape((*batch, *axis)), watched.good.reshape(batch)
    run = Evolution(u, wanted, longest, steps, dt_max, tail, good)
    _report(run, equation, watched)
    return run


def step_limit(equation: SpectralEquation, u0: Any, *, method: Method = "etdrk4") -> float:
    """Return the longest step for which the explicit part of a run is stable at its start.

    Parameters
    ----------
    equation : SpectralEquation
        The equation.
    u0 : (..., *state) array
        The states to begin with.
    method : {"etdrk4", "cnab2", "sbdf2"}
        How to step.

    Returns
    -------
    float
        Infinite where nothing limits steps, or the equation knows no rates. States that grow need
        shorter steps later.

    Notes
    -----
    The fastest rate of the nonlinear part, that of Courant, Friedrichs and Lewy where it carries
    (``|u| k``), times the step must not leave the stability region of the explicit scheme: 2.83,
    where that of Runge and Kutta meets the imaginary axis, or 0.5, where steps of extrapolation
    grow by 2 %. Modes that the linear part damps faster do not count.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import burgers, step_limit
    >>> grid = Grid.uniform([(0, 1)], 256, kind="periodic")
    >>> round(step_limit(burgers(grid, 1e-3), np.sin(2 * np.pi * grid.axes[0])), 4)
    0.0053
    """
    return _limit(equation, _states(equation, u0), _scheme(method))


def _states(equation: SpectralEquation, u0: Any) -> Any:
    """Return the states to begin with, after checks."""
    if not isinstance(equation, SpectralEquation):
        raise TypeError(
            f"equation is a {type(equation).__name__}: pass a SpectralEquation, such as "
            "burgers(grid, viscosity)"
        )
    return equation.states("u0", u0)


def _limit(equation: SpectralEquation, u0: Any, scheme: Any) -> float:
    rate = equation.fastest(u0)
    return float(scheme.reach / rate) if rate > 0 else math.inf


def _scheme(method: str) -> Any:
    if not isinstance(method, str) or method not in _schemes:
        raise ValueError(f"method is {method!r}: choose one of {', '.join(_schemes)}")
    return _schemes[method]


def _samples(equation: SpectralEquation, u0: Any) -> tuple[tuple[int, ...], Any, Any]:
    """Return the shape of the samples, and states and forcings with one axis for samples."""
    xp, state, forcing = equation.space.xp, equation.state_shape, equation.forcing
    if np.iscomplexobj(equation.linear) and isinstance(equation.space, EigenSpace):
        u0 = _complex(u0, xp)
    batch = tuple(u0.shape[: u0.ndim - len(state)])
    if forcing is None:
        return batch, xp.reshape(u0, (math.prod(batch), *state)), None
    if xp.isdtype(forcing.dtype, "complex floating"):
        u0 = _complex(u0, xp)
    own = tuple(forcing.shape[: forcing.ndim - len(state)])
    try:
        batch = np.broadcast_shapes(batch, own)
    except ValueError:
        raise ValueError(
            f"u0 has samples of shape {batch} but the forcing of {equation.name} has {own}: pass "
            "one of them for all, or as many"
        ) from None
    forcing = xp.astype(forcing, u0.dtype, copy=False)
    single = math.prod(own) == 1
    flat = (math.prod(batch), *state)
    U = xp.reshape(xp.broadcast_to(u0, (*batch, *state)), flat)
    if single:
        return batch, U, xp.reshape(forcing, (1, *state))
    return batch, U, xp.reshape(xp.broadcast_to(forcing, (*batch, *state)), flat)


def _complex(u: Any, xp: Any) -> Any:
    """Return states as complex numbers, as the equation makes such of them."""
    return xp.astype(u, xp.result_type(u.dtype, xp.complex64), copy=False)


def _checked_times(times: Any) -> tuple[NDArray[np.float64], bool]:
    """Return the times, and whether they came as several."""
    try:
        wanted = np.atleast_1d(np.asarray(times, dtype=float))
    except (TypeError, ValueError):
        wanted = np.empty(0)
    several = np.ndim(times) > 0
    if wanted.ndim != 1 or not len(wanted) or not np.all(np.isfinite(wanted)):
        raise ValueError(f"times are {times!r}: pass a finite number, or a vector of one or more")
    if wanted[0] < 0 or np.any(np.diff(wanted) <= 0):
        raise ValueError(f"times are {times!r}: they must ascend, from zero or later")
    return wanted, several


def _step(
    equation: SpectralEquation, dt: float | None, dt_max: float, exact: bool, end: float
) -> float:
    """Return the longest step to make."""
    if equation.nonlinear is None and exact:
        return math.inf
    if dt is None:
        if equation.rates is None:
            raise ValueError(
                f"no stable step of {equation.name} is known: pass dt, or give the equation "
                "rates=, a function of states, from which stable steps come"
            )
        return min(dt_max / 8, end / 100) or math.inf
    return require_positive("dt", dt)


def _report(run: Evolution, equation: SpectralEquation, watched: Watched) -> None:
    """Warn of what a user should know of the run."""
    cut = np.flatnonzero(watched.cut > _cut)
    if len(cut):
        _warn(
            f"the 2/3 rule cuts modes off u0 that make {watched.cut[cut[0]]:.1e} of it (sample "
            f"{cut[0]}): the run is that of another start; take more points, or make the space by "
            "FourierSpace(grid, dealias=False)",
            depth=2,
        )
    lost = np.argwhere(np.isfinite(run.blow_up))
    if len(lost):
        first = tuple(int(i) for i in lost[0])
        who = f"sample {', '.join(map(str, first))} of {equation.name}" if first else equation.name
        more = f" ({len(lost)} samples did)" if len(lost) > 1 else ""
        tails = np.column_stack([watched.start, watched.tails])
        worst = float(np.nanmax(tails[np.isfinite(watched.good)], initial=0.0))
        coarse = f", or more points (the highest modes had {worst:.1e} of the largest one)"
        _warn(
            f"{who} blew up after t={run.blow_up[first]:.3g}{more} in steps of {run.dt:.3g}: take "
            f"shorter ones (dt_max was {run.dt_max:.3g} at the start)"
            f"{coarse if worst > resolved else ''}, if a solution exists",
            depth=2,
        )
    ran = run.times > 0
    ringing = np.argwhere(watched.ringing[:, ran] > resolved)
    tails = watched.tails[:, ran]
    rough = np.argwhere(tails > resolved)
    if len(ringing):
        sample, place = ringing[0]
        _warn(
            f"steps of {run.dt:.3g} by cnab2 have not damped the highest modes of {equation.name}: "
            f"they ring with {watched.ringing[:, ran][sample, place]:.1e} of the largest one "
            f"(sample {sample}, t={run.times[ran][place]:.3g}); take shorter steps, or sbdf2 or "
            "etdrk4, which damp them",
            depth=2,
        )
    elif len(rough) and equation.nonlinear is not None:
        sample, place = rough[0]
        t = run.times[ran][place]
        _warn(
            f"the highest modes of {equation.name} have {tails[sample, place]:.1e} of the largest "
            f"one (sample {sample}, t={t:.3g}): the grid is too coarse for this solution, take "
            "more points",
            depth=2,
        )


def _warn(message: str, *, depth: int) -> None:
    """Warn at the line that called `evolve`, so many functions above."""
    warnings.warn(message, ConvergenceWarning, stacklevel=depth + 2)


@contextlib.contextmanager
def _bar(progress: bool | None, total: int, name: str) -> Iterator[Any]:
    """Yield a progress bar."""
    tqdm = importlib.import_module("tqdm.auto").tqdm  # costs as much as the rest of the import
    delay = 1 if progress is None else 0
    hidden = progress is False
    with tqdm(total=total, desc=name, unit="step", delay=delay, leave=False, disable=hidden) as bar:
        yield bar
