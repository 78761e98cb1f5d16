"""Evolution equations whose linear part is diagonal in the modes of a space."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import first_nonfinite, inexact, require_array
from structlin.solvers.evolution._space import Space


class SpectralEquation:
    """The equation ``dc/dt = L c + N(c, t) + f`` for the modes ``c`` of one or several functions.

    Parameters
    ----------
    space : FourierSpace or EigenSpace
        The modes in which ``L`` is diagonal.
    linear : callable, array, or sequence of these
        The symbol ``L``: for a `FourierSpace` a function of the wavenumbers ``(kx, ky, …)``, for an
        `EigenSpace` of the eigenvalues of ``−Δ``; or its values. A list or tuple has a symbol for
        every function: a state then is an array (fields, *grid.shape).
    nonlinear : callable, optional
        ``N``, as ``nonlinear(c, t)``: modes (…, *mode_shape), or (…, fields, *mode_shape), at
        time ``t`` to modes of the same shape. `space.to_modes`, `space.from_modes` and
        `space.multiplier` are there to write it.
    forcing : (..., *state) array, optional
        ``f``, a source on the grid that does not change with time: one for all samples, or a batch
        with one for each.
    rates : callable, optional
        ``rates(u)``: how fast the nonlinear part changes the modes of states ``u`` at most, in
        inverse time, as a number or an ndarray that broadcasts to the modes of one state. From it
        come the longest stable steps.
    name : str
        What reports call the equation.

    Attributes
    ----------
    linear : ndarray
        The symbol, on the host.
    fields : int or None
        How many functions make a state; None where it is one function, without an axis for it.
    state_shape : tuple of int
        The shape of one state.

    Raises
    ------
    ValueError
        If the symbol does not fit the modes, or the forcing not the states, or one of them has a
        NaN or Inf.
    TypeError
        If the space is none, or a function is none or takes other arguments.

    Notes
    -----
    Write small powers of arrays as products, ``u * u * u``: NumPy computes ``u**3`` by a general
    power, which takes many times as long and may cost more than the transforms.

    Examples
    --------
    The equation of Ginzburg and Landau, ``u_t = u + u_xx − |u|² u``:

    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import FourierSpace, SpectralEquation
    >>> space = FourierSpace(Grid.uniform([(0, 50)], 64, kind="periodic"), real=False)
    >>> def cubic(c, t):
    ...     u = space.from_modes(c)
    ...     return space.to_modes(-(abs(u) ** 2) * u)
    >>> equation = SpectralEquation(space, lambda k: 1 - k**2, cubic)
    """

    def __init__(
        self,
        space: Space,
        linear: Any,
        nonlinear: Callable[[Any, float], Any] | None = None,
        *,
        forcing: Any = None,
        rates: Callable[[Any], Any] | None = None,
        name: str = "the equation",
    ) -> None:
        if not isinstance(space, Space):
            raise TypeError(
                f"space is a {type(space).__name__}: pass FourierSpace(grid), or EigenSpace(grid, "
                "bc)"
            )
        _require_function("nonlinear", nonlinear, "nonlinear(c, t)", "modes and a time", 2)
        _require_function("rates", rates, "rates(u)", "states", 1)
        self.space, self.nonlinear, self.rates, self.name = space, nonlinear, rates, name
        several = isinstance(linear, Sequence)
        symbols = [space.symbol(f) for f in (linear if several else (linear,))]
        self.fields = len(symbols) if several else None
        self.linear = np.stack(symbols) if several else symbols[0]
        if not np.all(np.isfinite(self.linear)):
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(self.linear))[0])
            raise ValueError(f"the linear symbol is NaN or Inf at mode {place}: it must be finite")
        grid: tuple[int, ...] = space.grid.shape
        self.state_shape = (self.fields, *grid) if self.fields is not None else grid
        self.forcing = None if forcing is None else self.states("forcing", forcing)

    def __repr__(self) -> str:
        fields = "" if self.fields is None else f", {self.fields} fields"
        grid = "x".join(map(str, self.space.grid.shape))
        return f"<SpectralEquation {self.name} on {grid}{fields}>"

    def states(self, name: str, u: Any) -> Any:
        """Return states, (…, *state_shape), as floating-point numbers of this space, checked."""
        shape, xp = self.state_shape, self.space.xp
        require_array(name, u, f"an array (..., {', '.join(map(str, shape))})")
        namespace(u, *self.space.grid.axes)
        device(u, *self.space.grid.axes)
        if u.ndim < len(shape) or tuple(u.shape[u.ndim - len(shape) :]) != shape:
            raise ValueError(
                f"{name} has shape {tuple(u.shape)} but a state of {self.name} has {shape}: its "
                "last axes must be these; axes before them number samples"
            )
        place = first_nonfinite(u)
        if place is not None:
            index = [int(i) for i in np.unravel_index(place, u.shape)]
            batch, point = index[: -len(shape)], index[-len(shape) :]
            where = f"sample {batch}, at {point}" if batch else f"{point}"
            raise ValueError(f"{name} has a NaN or Inf in {where}: every entry must be finite")
        return self.space.suited(inexact(u, xp), name)

    def rest(self, c: Any, t: float) -> Any:
        """Return the nonlinear part, checked: as many modes as came."""
        made = None if self.nonlinear is None else self.nonlinear(c, t)
        shape = getattr(made, "shape", None)
        if shape is None or tuple(shape) != tuple(c.shape):
            raise ValueError(
                f"the nonlinear part of {self.name} made {type(made).__name__} of shape {shape} "
                f"of modes of shape {tuple(c.shape)}: it must return an array of that shape, as "
                "space.to_modes does"
            )
        return made

    def fastest(self, u: Any) -> float:
        """Return the fastest rate at which the nonlinear part changes states ``u``.

        Parameters
        ----------
        u : (..., *state) array
            States.

        Returns
        -------
        float
            In inverse time; zero where no `rates` are known.

        Raises
        ------
        ValueError
            If a rate is negative, NaN or Inf, or the shape of rates does not fit.

        Notes
        -----
        Only modes count on which the nonlinear part is faster than the damping by the linear one:
        where that is faster, it keeps steps stable.
        """
        if self.nonlinear is None or self.rates is None or 0 in u.shape:
            return 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told
            made = np.asarray(self.rates(u))
        shape = self.linear.shape
        if made.dtype.kind not in "biuf" or not _broadcasts(made.shape, shape):
            raise ValueError(
                f"rates(u) of {self.name} returned {made.dtype} of shape {made.shape}: it must "
                f"return a number, or an ndarray that broadcasts to the modes of a state, {shape}"
            )
        if not np.all((made >= 0) & (made < np.inf)):
            raise ValueError(
                f"the rates of {self.name} at this start are negative, NaN or beyond all numbers: "
                "pass smaller states, or rates(u) that returns finite numbers of 0 or more"
            )
        rates = np.broadcast_to(made, shape)
        counts = rates > -np.real(self.linear)
        if self.space.kept is not None:
            counts = counts & self.space.kept
        return float(np.max(rates, where=counts, initial=0.0))


def _require_function(name: str, given: Any, call: str, of: str, count: int) -> None:
    """Raise unless what is given is None, or a function of so many arguments."""
    if given is None:
        return
    if not callable(given):
        raise TypeError(f"{name} is a {type(given).__name__}: pass a function, or None")
    try:
        signature = inspect.signature(given)
    except (TypeError, ValueError):  # some compiled functions have none
        return
    try:
        signature.bind(*(None,) * count)
    except TypeError as error:
        raise TypeError(
            f"{name}{signature} cannot be called as {call}, with {of}: {error}"
        ) from None


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Tell whether an array of one shape can stand for one of the other."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False
