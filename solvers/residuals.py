"""How wrong an approximate solution is, told from its residual, and one step to a better one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from structlin._backend import namespace
from structlin._validation import require_count
from structlin.bases import Grid
from structlin.solvers.elliptic import LegendreModes, Modes, Poisson
from structlin.solvers.elliptic._samples import checked_samples

Space = Literal["H-1", "L2"]


@dataclass(frozen=True, eq=False)
class Refinement:
    """An approximate solution that was improved.

    Attributes
    ----------
    u : (..., *grid.shape) array
        The better approximation.
    residual_norms : (steps + 1, ...) array
        The norms in ``H⁻¹`` of the residuals after so many steps, for every sample.
    """

    u: Any
    residual_norms: Any

    def __repr__(self) -> str:
        xp = namespace(self.residual_norms)
        first, last = self.residual_norms[0, ...], self.residual_norms[-1, ...]
        if not math.prod(first.shape):
            return "<Refinement of no sample>"
        worst = [float(xp.max(each)) for each in (first, last)]
        steps = self.residual_norms.shape[0] - 1
        return f"<Refinement: largest residual {worst[0]:.3g} → {worst[1]:.3g} in {steps} steps>"


def residual_norm(
    L: Any, u: Any, f: Any, *, grid: Grid, bc: Any = None, space: Space = "H-1"
) -> Any:
    """Return the norms of ``f − L(u)``, which say how wrong approximate solutions are.

    Parameters
    ----------
    L : callable, LinearOperator or Poisson
        Maps functions ``(..., *grid.shape)`` to functions, many at once; or an operator on vectors
        of ``grid.size`` entries; or the solver whose differences are meant, with zero data on the
        sides. With other data, pass ``lambda u: f - solver.residual(u, f, boundary)``.
    u, f : (..., *grid.shape) array
        Approximate solutions and right-hand sides. Samples broadcast.
    grid : Grid
        The points.
    bc : None, str, Robin, or sequence of these or of pairs of these
        What holds at the sides, which says what the test functions are: see `Poisson`. The residual
        at nodes with given values does not count.
    space : {"H-1", "L2"}
        The norm.

    Returns
    -------
    (...) array
        One norm for every sample.

    Raises
    ------
    ValueError
        If shapes do not fit, or an entry is NaN or Inf: its sample and place are named.

    Notes
    -----
    ``‖r‖₋₁ = sup ⟨r, v⟩/‖∇v‖`` over functions ``v`` that meet the homogeneous conditions. With
    coefficients ``c_k`` of ``r`` in eigenfunctions of ``−Δ`` it is ``(Σ c_k²/λ_k)^½``, at the price
    of one transform. If ``L(u) = −∇·(a ∇u)`` and ``a ≥ α``, then

        ``‖∇(u − u*)‖ <= ‖f − L(u)‖₋₁/α``

    for the solution ``u*``: with ``a = 1`` that is an equality. In ``L²`` a small high
    frequency in ``u`` makes a large residual, which says little about its error. If constants are
    among the test functions, the smallest eigenvalue that is not zero counts for them.

    References
    ----------
    .. [1] S. Cao, F. Brarda, R. Li and Y. Xi, "Spectral-Refiner: accurate fine-tuning of
       spatiotemporal Fourier neural operator for turbulent flows", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.uniform([(0, 2 * np.pi)], 64, kind="periodic")
    >>> x = grid.axes[0]
    >>> second = lambda u: np.fft.irfft(np.arange(33) ** 2 * np.fft.rfft(u), 64)
    >>> norm = residual_norm(second, np.sin(x) + 0.01 * np.cos(5 * x), np.sin(x), grid=grid)
    >>> bool(np.isclose(norm, 0.05 * np.pi**0.5, rtol=0.02))
    True
    """
    if space not in get_args(Space):
        raise ValueError(f"space is {space!r}: pass 'H-1' or 'L2'")
    test = _TestFunctions(grid, bc)
    u, f = _pair(u, f, grid)
    return test.norm(test.modes.to_modes(f - _applied(L, u, grid)), space)


def refine(
    L: Any, u: Any, f: Any, *, grid: Grid, bc: Any = None, coef: Any = None, steps: int = 1
) -> Refinement:
    """Improve approximate solutions of ``L(u) = f`` by fast solves for their residuals.

    Parameters
    ----------
    L, u, f, grid, bc
        As in `residual_norm`; what comes out of any surrogate may be ``u``. Values that are given
        on sides are left as they are in ``u``.
    coef : (..., *grid.shape) array, optional
        If ``L(u)`` is about ``−∇·(a ∇u)`` with a coefficient ``a`` that varies smoothly: positive,
        one for all samples or one for each. Residuals and corrections are divided by its root.
        Leave it out where the coefficient jumps.
    steps : int
        How many corrections.

    Returns
    -------
    Refinement
        The better approximations, and the norms of the residuals.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is NaN or Inf, or ``coef`` is not positive.

    Notes
    -----
    ``u + ω z`` with ``−Δz = f − L(u)``, solved in eigenfunctions, and for every sample that ``ω``
    for which the residual is smallest in ``H⁻¹``: it does not grow if ``L`` is linear, symmetric or
    not. Where ``L`` is ``−Δ`` itself as the grid has it, one step is the solution. If ``L(u) =
    −∇·(a ∇u)``, the residual falls by ``(κ − 1)/(κ + 1)`` or more in every step, with the contrast
    ``κ = max a/min a``. Every step costs two applications of ``L`` and three transforms.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.solvers import Poisson
    >>> grid = Grid.uniform([(0, 1), (0, 1)], 33)
    >>> solver, f = Poisson(grid), np.ones(grid.shape)
    >>> guess = 0.9 * solver.solve(f)
    >>> better = refine(solver, guess, f, grid=grid)
    >>> bool(np.allclose(better.u, solver.solve(f)))
    True
    """
    steps = require_count("steps", steps, least=0)
    test = _TestFunctions(grid, bc)
    u, f = _pair(u, f, grid)
    xp = namespace(u, f)
    root = _root(coef, grid)
    image = _applied(L, u, grid)
    residual = f - image
    found = test.modes.to_modes(residual)
    norms = [test.norm(found, "H-1")]
    for _ in range(steps):
        if root is None:
            z = test.solved(found)
        else:
            z = test.solved(test.modes.to_modes(residual / root)) / root
        change = test.modes.to_modes(_applied(L, u + z, grid) - image)
        step = test.step(change, found)
        u = u + xp.reshape(step, (*step.shape, *(1,) * grid.ndim)) * z
        image = _applied(L, u, grid)
        residual = f - image
        found = test.modes.to_modes(residual)
        norms.append(test.norm(found, "H-1"))
    return Refinement(u, xp.stack(norms))


class _TestFunctions:
    """Eigenfunctions of ``−Δ`` on a grid, and the norms that they define."""

    def __init__(self, grid: Grid, bc: Any) -> None:
        spectral = any(kind in ("legendre", "chebyshev") for kind in grid.kinds)
        self.modes = LegendreModes(grid, bc) if spectral else Modes(grid, bc)
        self.xp, self.axes = grid.xp, tuple(range(-grid.ndim, 0))
        values = self.modes.eigenvalues
        # rounding errors of computed eigenvalues are some of the largest one
        largest = self.xp.max(values)
        rounding = self.modes.rounding if isinstance(self.modes, Modes) else 1e-14 * largest
        positive = values > rounding
        least = self.xp.min(self.xp.where(positive, values, self.xp.max(values)))
        self.inverse = 1 / self.xp.where(positive, values, least)

    def solved(self, coefficients: Any) -> Any:
        """Return the solution of ``−Δz = r`` for the coefficients of ``r``."""
        return self.modes.from_modes(coefficients * self._weights(coefficients))

    def step(self, change: Any, residual: Any) -> Any:
        """Return the numbers by which ``change`` comes nearest to ``residual`` in ``H⁻¹``."""
        xp = self.xp
        # no square overflows
        unit = self.guarded(xp.max(xp.abs(change), axis=self.axes, keepdims=True))
        change, residual = change / unit, residual / unit
        weighted = change * self._weights(change)
        if xp.isdtype(change.dtype, "complex floating"):
            weighted = xp.conj(weighted)
        squares = xp.sum(weighted * change, axis=self.axes)
        return xp.sum(weighted * residual, axis=self.axes) / self.guarded(squares)

    def norm(self, coefficients: Any, space: Space) -> Any:
        """Return norms, of numbers of any size."""
        xp = self.xp
        sizes = xp.abs(coefficients)
        largest = self.guarded(xp.max(sizes, axis=self.axes, keepdims=True))
        squares = (sizes / largest) ** 2
        if space == "H-1":
            squares = squares * self._weights(coefficients)
        unit = xp.reshape(largest, largest.shape[: largest.ndim - len(self.axes)])
        return unit * xp.sqrt(self.modes.volume * xp.sum(squares, axis=self.axes))

    def guarded(self, x: Any) -> Any:
        """Return divisors, with 1 instead of 0."""
        return self.xp.where(x == 0, self.xp.ones_like(x), x)

    def _weights(self, like: Any) -> Any:
        return self.xp.astype(self.inverse, self.xp.finfo(like.dtype).dtype, copy=False)


def _pair(u: Any, f: Any, grid: Grid) -> tuple[Any, Any]:
    """Return approximate solutions and right-hand sides, checked."""
    u, f = checked_samples("u", u, grid), checked_samples("f", f, grid)
    try:
        np.broadcast_shapes(tuple(u.shape), tuple(f.shape))
    except ValueError:
        raise ValueError(
            f"u has shape {tuple(u.shape)} but f has {tuple(f.shape)}: samples must broadcast"
        ) from None
    return u, f


def _applied(L: Any, u: Any, grid: Grid) -> Any:
    """Return ``L(u)``, checked."""
    if isinstance(L, Poisson):
        return checked_samples("L(u)", -L.residual(u, namespace(u).zeros_like(u)), grid)
    if callable(L) and not hasattr(L, "shape"):
        image = checked_samples("L(u)", L(u), grid)
        if image.shape != u.shape:
            raise ValueError(f"L(u) has shape {tuple(image.shape)} but u has {tuple(u.shape)}")
        return image
    shape = tuple(getattr(L, "shape", ()))
    if shape != (grid.size, grid.size):
        raise ValueError(
            f"L is {shape or type(L).__name__}: pass a Poisson, a function of arrays (..., "
            f"{', '.join(map(str, grid.shape))}), or an operator of {grid.size} rows and columns"
        )
    xp = namespace(u)
    columns = xp.matrix_transpose(xp.reshape(u, (-1, grid.size)))
    return checked_samples("L(u)", xp.reshape(xp.matrix_transpose(L @ columns), u.shape), grid)


def _root(coef: Any, grid: Grid) -> Any:
    if coef is None:
        return None
    a = checked_samples("coef", coef, grid)
    xp = namespace(a)
    if xp.isdtype(a.dtype, "complex floating") or not bool(xp.all(a > 0)):
        raise ValueError("coef is not positive everywhere: a coefficient is real and positive")
    return xp.sqrt(a)
