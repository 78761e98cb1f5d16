"""Poisson's equation in Legendre polynomials, by products with one matrix for every axis."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin._validation import require_real
from structlin.bases import Grid
from structlin.solvers.elliptic._corners import warn_means
from structlin.solvers.elliptic._samples import along_axes, checked_samples, largest
from structlin.solvers.elliptic._side_values import Data, side_values
from structlin.solvers.elliptic.legendre_modes import LegendreModes


class LegendreGalerkin:
    """Solve ``−Δu + shift u = f`` to rounding errors where ``u`` is smooth.

    Parameters
    ----------
    grid : Grid
        Of Gauss–Legendre or Chebyshev points, as `Grid.legendre` and `Grid.chebyshev` make it, with
        3 or more along every axis, of which there may be any number.
    shift : float
        Of any sign; minus an eigenvalue of ``−Δ`` makes the equation singular.
    bc : None, str, Robin, or sequence of these or of pairs of these
        The conditions at the sides, ``"dirichlet"`` by default, ``"neumann"`` or ``Robin(a)``:
        see `Poisson`.

    Attributes
    ----------
    modes : LegendreModes
        The eigenfunctions.
    free : bool
        Whether constants solve the homogeneous equation: Neumann conditions and no shift. Then the
        solution is that of mean zero.

    Raises
    ------
    ValueError
        If the grid is of another kind, the conditions do not fit it, or the shift is minus an
        eigenvalue: the message names the mode.

    Notes
    -----
    With eigenfunctions ``e_i`` of every axis, orthonormal in ``L²``,

        ``u = E₁ [(P₁ F P₂ᵀ) / (λᵢ + μⱼ + shift)] E₂ᵀ``

    with their values ``E`` at the points, and ``P`` for the inner products of the polynomial
    through the values of ``F`` with them: four products of matrices in two dimensions, six in
    three, ``2 N Σ n_j`` operations each way. The set-up is ``O(n²)`` and two products of
    matrices. What is given on Dirichlet sides is interpolated, and what
    the interpolant contributes to the energy goes to the right-hand side; other sides
    contribute to the work of the outer forces, ``∫ g v``.

    Errors fall exponentially with ``n`` where the solution is smooth: with 24 points an axis, a
    wave or two are solved to 15 digits. At a corner where two sides disagree, or where ``f`` does
    not fit the sides, the solution is singular, and errors fall like a power of ``n``.

    References
    ----------
    .. [1] J. Shen, "Efficient spectral-Galerkin method I", SIAM J. Sci. Comput. 15 (1994).

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.legendre([(0, 1), (0, 1)], 24)
    >>> u = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
    >>> bool(np.allclose(LegendreGalerkin(grid).solve(2 * np.pi**2 * u), u, atol=1e-14))
    True
    """

    def __init__(self, grid: Grid, shift: float = 0.0, bc: Any = None) -> None:
        self.grid = grid
        self.shift = require_real("shift", shift)
        self.modes = LegendreModes(grid, bc)
        sums = sum(np.meshgrid(*self.modes.axis_eigenvalues, indexing="ij", sparse=True))
        divisors = np.asarray(sums + self.shift)
        smallest = int(np.argmin(np.abs(divisors)))
        index = [int(i) for i in np.unravel_index(smallest, divisors.shape)]
        neumann = all(side == "neumann" for pair in self.modes.sides for side in pair)
        self.free = neumann and self.shift == 0
        # eigenvalues are known to some hundred rounding errors
        noise = 1e3 * np.finfo(np.float64).eps * abs(self.shift)
        if not self.free and abs(divisors.flat[smallest]) <= noise:
            raise ValueError(
                f"shift is {self.shift:.17g}, minus the eigenvalue "
                f"{float(np.asarray(sums).flat[smallest]):.17g} of {self.modes.names(index)}: the "
                "equation is singular; move the shift, or the box"
            )
        if self.free:
            divisors.flat[smallest] = math.inf
        self._inverses: dict[Any, Any] = {"host": 1 / divisors}
        self._lifts: list[_Lift] = []

    def __repr__(self) -> str:
        named = f", shift {self.shift:g}" if self.shift else ""
        return f"<LegendreGalerkin on {self.grid!r}{named}>"

    def solve(self, F: Any, boundary: Any = 0.0) -> Any:
        """Return the solution at the points of the grid.

        Parameters
        ----------
        F : (..., *grid.shape) array
            Right-hand sides at the points, real or complex.
        boundary : number, callable, or sequence of pairs
            What is given on the sides: the value on Dirichlet sides, elsewhere the outward normal
            derivative, plus ``a u`` on Robin ones. For all sides, or a pair (low, high) for every
            axis, of numbers, callables of all coordinates, as ``g(x, y)``, or arrays over the
            points of the side, after axes of samples.

        Returns
        -------
        (..., *grid.shape) array
            In the precision of ``F``.

        Raises
        ------
        ValueError
            If an entry is NaN or Inf (its sample and place are named), a shape does not fit, the
            solution overflows, or there is none: Neumann conditions with no shift, and a source
            that is not balanced by what leaves through the sides.

        Warns
        -----
        UserWarning
            If Dirichlet values of two sides disagree where these meet, or the grid does not
            resolve them.
        """
        F = checked_samples("F", F, self.grid)
        data = side_values(self.grid, boundary, F)
        xp = namespace(F)
        dtype = xp.result_type(F.dtype, *(g.dtype for g in data.values()))
        with np.errstate(over="ignore", invalid="ignore"):
            loads = along_axes(self.modes.matrices(F.dtype)[0], F)
            lifted = None
            if data:
                loads = xp.astype(loads, dtype, copy=False) + self._forces(data)
                lifted = self._lifted(data, loads)
                if lifted is not None:
                    loads = loads - self._energy(lifted)
            if self.free:
                self._require_balance(loads, F, data)
            u = along_axes(self.modes.matrices(dtype)[1], loads * self._inverse(dtype))
            if lifted is not None:
                u = u + along_axes(self._matrices("values", dtype), lifted)
        if not bool(xp.all(xp.isfinite(u))):
            raise ValueError(f"the solution overflows {u.dtype}: scale F")
        return u

    def _inverse(self, dtype: Any) -> Any:
        """Return one over the eigenvalues, in the real precision of ``dtype``."""
        if dtype not in self._inverses:
            self._inverses[dtype] = self.modes.on_device(self._inverses["host"], dtype)
        return self._inverses[dtype]

    def _require_balance(self, loads: Any, F: Any, data: Data) -> None:
        """Raise unless sources and fluxes cancel up to rounding errors, for every sample."""
        xp = namespace(F)
        root = math.sqrt(math.prod(self.modes.widths))
        first = xp.abs(loads[(..., *(0,) * self.grid.ndim)]) * root
        sizes = self._integral(xp.abs(F))
        for (axis, _), g in data.items():
            sizes = sizes + self._integral(xp.abs(g), axis)
        allowed = 1e3 * float(xp.finfo(F.dtype).eps) * sizes
        wrong = first > allowed
        if bool(xp.any(wrong)):
            flat = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int8)))
            value = float(xp.reshape(first, (-1,))[flat])
            index = [int(i) for i in np.unravel_index(flat, tuple(wrong.shape))]
            sample = f" of sample {index}" if index else ""
            raise ValueError(
                f"|∫ f + ∫ g|{sample} is {value:.3g}, not zero: with Neumann conditions on all "
                "sides and no shift there is a solution only if sources and fluxes through the "
                "sides cancel; subtract the mean of f (quadrature weights: LegendreModes.weights), "
                "or pass a shift"
            )

    def _integral(self, f: Any, without: int | None = None) -> Any:
        """Return integrals over the box, or over the sides of one axis, which has length 1."""
        weights = [
            self.modes.on_device(np.ones(1) if k == without else self.modes.weights(k), f.dtype)
            for k in range(self.grid.ndim)
        ]
        return along_axes([w[None, :] for w in weights], f)[(..., *(0,) * self.grid.ndim)]

    def _forces(self, data: Data) -> Any:
        """Return the inner products of what acts on the sides without given values with modes."""
        modes, total = self.modes, 0.0
        for (axis, end), g in data.items():
            if modes.sides[axis][end] != "dirichlet":
                matrices = modes.matrices(g.dtype)[0].copy()
                matrices[axis] = modes.on_device(modes.ends(axis)[end][:, None], g.dtype)
                total = total + along_axes(matrices, g)
        return total

    def _lifted(self, data: Data, loads: Any) -> Any:
        """Return the coefficients of a function with the given values on Dirichlet sides.

        Those of the functions that are 1 on such a side follow after those of the modes, which are
        zero. None if all given values are zero.
        """
        sides = [
            (axis, end)
            for axis, pair in enumerate(self.modes.sides)
            for end, side in enumerate(pair)
            if side == "dirichlet"
        ]
        if not any(side in data for side in sides):
            return None
        xp, d = self.modes.xp, self.grid.ndim
        batch = tuple(loads.shape[: loads.ndim - d])
        W = xp.zeros((*batch, *self.grid.shape), dtype=loads.dtype, device=self.modes.device)
        forth, size, gap = self._matrices("expand", loads.dtype), 0.0, 0.0
        before: list[tuple[int, int]] = []
        for axis, end in sides:
            place = self._place(axis, end)
            if (axis, end) in data:
                matrices = forth.copy()
                matrices[axis] = self.modes.on_device(np.ones((1, 1)), loads.dtype)
                plane = xp.astype(along_axes(matrices, data[axis, end]), loads.dtype, copy=False)
                plane = xp.broadcast_to(plane, W[place].shape)
            else:
                plane = xp.zeros_like(W[place])
            size = max(size, largest(plane))
            new = xp.asarray(plane, copy=True)
            for other in before:
                if other[0] != axis:  # the two sides meet
                    corner = self._place(*other)
                    met, old = plane[corner], W[place][corner]
                    gap = max(gap, largest(met - old))
                    new[corner] = (met + old) / 2
            W[place] = new
            before.append((axis, end))
        unresolved = self._unresolved(data) if gap > 1e-6 * size else 0.0
        if unresolved > 0.1 * gap:  # by trial: polynomials of too few points miss the corners
            warnings.warn(
                "the grid does not resolve the boundary values: the last quarter of their Legendre "
                f"coefficients adds up to {unresolved:.3g}; take more points",
                stacklevel=3,
            )
        else:
            warn_means(gap, size, stacklevel=3)
        return W

    def _unresolved(self, data: Data) -> float:
        """Return how much of the values on Dirichlet sides is in their highest polynomials."""
        modes, d, most = self.modes, self.grid.ndim, 0.0
        for (axis, end), g in data.items():
            for other in range(d) if modes.sides[axis][end] == "dirichlet" else ():
                if other == axis:
                    continue
                n, (low, high) = self.grid.shape[other], self.grid.box[other]
                t = (2 * on_host(self.grid.axes[other]) - low - high) / (high - low)
                degrees = np.arange(n - max(n // 4, 1), n)
                P = np.polynomial.legendre.legvander(t, n - 1)[:, degrees]
                P = P * (modes.weights(other)[:, None] * (2 * degrees + 1) / modes.widths[other])
                A = modes.on_device(P.T, g.dtype)
                coefficients = modes.xp.tensordot(A, g, axes=((1,), (g.ndim - d + other,)))
                most = max(most, largest(modes.xp.sum(modes.xp.abs(coefficients), axis=0)))
        return most

    def _place(self, axis: int, end: int) -> tuple[Any, ...]:
        """Return the index of the coefficients of the function that is 1 on a Dirichlet side."""
        first = self.modes.shape[axis]
        at = first + (end if self.modes.sides[axis][0] == "dirichlet" else 0)
        rest = (slice(None),) * (self.grid.ndim - axis - 1)
        return (..., slice(at, at + 1), *rest)

    def _energy(self, W: Any) -> Any:
        """Return the energy products of a lifted function with the modes."""
        stiffness = self._matrices("stiffness", W.dtype)
        mass = self._matrices("mass", W.dtype)
        total: Any = self.shift * along_axes(mass, W) if self.shift else 0.0
        for axis in range(self.grid.ndim):
            matrices = mass.copy()
            matrices[axis] = stiffness[axis]
            total = total + along_axes(matrices, W)
        return total

    def _matrices(self, name: str, dtype: Any) -> list[Any]:
        """Return one matrix of `_Lift` for every axis."""
        if not self._lifts:
            self._lifts = [_Lift(self.modes, axis) for axis in range(self.grid.ndim)]
        return [self.modes.on_device(getattr(lift, name), dtype) for lift in self._lifts]


class _Lift:
    """The matrices of an axis for the modes, and after them the linear functions of its ends.

    A linear function is 1 at a Dirichlet end and 0 at the other end.

    Attributes
    ----------
    values : (n, n) array
        Values at the points.
    expand : (n, n) array
        Its inverse, from the values of a polynomial.
    stiffness, mass : (m, n) array
        Energy and inner products of modes with all functions.
    """

    def __init__(self, modes: LegendreModes, axis: int) -> None:
        E, forth = modes.values(axis), modes.projection(axis)
        width, (low, high) = modes.widths[axis], modes.grid.box[axis]
        x = on_host(modes.grid.axes[axis])
        held = [end for end in (0, 1) if modes.sides[axis][end] == "dirichlet"]
        linear = np.stack([high - x, x - low], axis=1)[:, held] / width
        endpoint = modes.endpoint(axis)[held]
        self.values = np.concatenate([E, linear], axis=1)
        self.expand = np.concatenate([forth - (forth @ linear) @ endpoint, endpoint])
        # ∫ e′ h′, with the slope h′ = ±1/width
        ends = modes.ends(axis)
        slopes = np.outer(ends[1] - ends[0], np.asarray([-1.0, 1.0])[held]) / width
        self.stiffness = np.concatenate([np.diag(modes.axis_eigenvalues[axis]), slopes], axis=1)
        self.mass = np.concatenate([np.eye(E.shape[1]), forth @ linear], axis=1)
