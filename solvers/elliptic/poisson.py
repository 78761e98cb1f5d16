"""Poisson's equation and its kin on a box: one entry to the solvers, prepared and batched."""

from __future__ import annotations

import numbers
from typing import Any, Literal, get_args

import numpy as np

from structlin._backend import device
from structlin._validation import (
    first_nonfinite,
    require_finite,
    require_positive,
    require_real,
    require_tolerance,
)
from structlin.bases import Grid
from structlin.solvers._solution import Solution
from structlin.solvers._vectors import require_limits
from structlin.solvers.elliptic._differences import Mean
from structlin.solvers.elliptic._samples import checked_samples
from structlin.solvers.elliptic._side_values import samples_of
from structlin.solvers.elliptic.boundary import sides_of
from structlin.solvers.elliptic.convection import ConvectionDiffusion
from structlin.solvers.elliptic.finite_volumes import FiniteVolumes
from structlin.solvers.elliptic.legendre_galerkin import LegendreGalerkin
from structlin.solvers.elliptic.modes import Modes
from structlin.solvers.elliptic.ultraspherical import UltrasphericalADI

Method = Literal[
    "auto", "transform", "eigen", "legendre", "ultraspherical", "schur", "pcg", "multigrid"
]


class Poisson:
    """``−∇·(a ∇u) + shift u = f`` on a box, prepared for many right-hand sides.

    Parameters
    ----------
    grid : Grid
        The points. `Grid.uniform` makes nodes, cells and periodic axes, `Grid` and `Grid.cells`
        graded ones: second differences, of error ``O(h²)``. `Grid.legendre` and `Grid.chebyshev`
        take spectral methods, whose error falls faster than any power for smooth solutions.
    bc : str, Robin, or sequence of these or of pairs of these
        What holds at the sides: ``"dirichlet"`` (``u = g``, the default), ``"neumann"``
        (``∂u/∂n = g``, along the outward normal) or ``Robin(a)`` (``∂u/∂n + a u = g``), for all of
        them, or a list with one entry for every axis: one of these, or a pair (low, high). An axis
        is ``"periodic"`` if its kind in the grid is.
    shift : float
        Any real number; negative ones are Helmholtz's equation.
    coef : None, number, array or callable
        The coefficient ``a``, positive: its values at the points of the grid, or a function of all
        coordinates, as ``a(x, y)``. None is 1.
    convection : None, number, callable or sequence of these
        The velocity ``b`` of a term ``b · ∇u``: for all axes, or for each, as a number or a
        function of the coordinate of that axis alone. Then ``coef`` is of the same form, the
        ``a_j`` of ``−Σ a_j ∂_j² u``: see `ConvectionDiffusion`.
    method : {"auto", "transform", "eigen", "legendre", "ultraspherical", "schur", "pcg", \
"multigrid"}
        How it is solved. On nodes, cells and periodic axes, for constant ``a``: ``"transform"`` and
        ``"eigen"``, fast transforms along even axes, and matrices of eigenvectors along graded ones
        and such with Robin conditions; which of them is needed follows from the grid. For other
        ``a``: conjugate gradients, preconditioned by that solver (``"pcg"``) or by multigrid. On
        Legendre and Chebyshev points `LegendreGalerkin`, or if asked for `UltrasphericalADI`; with
        convection `ConvectionDiffusion` (``"schur"``).
    mean : {"harmonic", "arithmetic"}
        How the coefficient on a face of finite volumes follows from those beside it. The harmonic
        mean is the flow through two layers, and what a cell holds reaches to the wall. The
        arithmetic one is for smooth coefficients, which are extrapolated to walls (slopes given
        there are met to second order), and for data that were made with it.
    rtol : float, optional
        Of the residual where the method iterates; by default 1e-10, or 1e-5 in single precision,
        or what rounding errors allow.
    maxiter : int, default 1000
        Most iterations.
    imbalance : float
        Where only the slopes of a solution are given and ``shift`` is 0, ``∫ f + ∮ a g`` has to be
        zero. It may be off by this part of ``∫ |f|``, which is then taken off ``f`` evenly. By
        default 0: rounding errors only. For differences.

    Attributes
    ----------
    grid : Grid
        The grid.
    sides : tuple of (low, high)
        The conditions at the sides of every axis.
    method : str
        What was chosen.
    modes : Modes, LegendreModes or None
        The eigenvectors of ``−Δ``, where the solver has them.

    Raises
    ------
    ValueError
        If the conditions do not fit the grid, minus the shift is an eigenvalue of ``−a Δ`` (the
        message names the mode), the coefficient has an entry that is not positive and finite, or
        its operator is not positive definite.

    Notes
    -----
    Differences are those of finite volumes. With ``N`` points, of ``n`` along an axis: transforms
    cost ``O(N log N)``, an axis of eigenvectors ``O(N n)`` and ``O(n²)`` numbers. The number of
    iterations with a variable coefficient does not depend on ``N`` where its logarithm is smooth,
    or its contrast moderate; multigrid takes over where neither is true.

    The orders above are those of smooth solutions. Where data of two sides do not fit each other,
    and at corners of the box in general, solutions are not smooth.

    References
    ----------
    .. [1] B. L. Buzbee, G. H. Golub and C. W. Nielson, "On direct methods for solving Poisson's
       equations", SIAM J. Numer. Anal. 7 (1970).
    .. [2] R. E. Lynch, J. R. Rice and D. H. Thomas, "Direct solution of partial difference
       equations by tensor product methods", Numer. Math. 6 (1964).

    Examples
    --------
    >>> import numpy as np
    >>> grid = Grid.uniform([(0, np.pi), (0, np.pi)], 65)
    >>> solver = Poisson(grid)
    >>> u = solver.solve(lambda x, y: 2 * np.sin(x) * np.sin(y))
    >>> solver.method, round(float(u[32, 32]), 3)
    ('transform', 1.0)
    """

    def __init__(
        self,
        grid: Grid,
        *,
        bc: Any = None,
        shift: float = 0.0,
        coef: Any = None,
        convection: Any = None,
        method: Method = "auto",
        mean: Mean = "harmonic",
        rtol: float | None = None,
        maxiter: int = 1000,
        imbalance: float = 0.0,
    ) -> None:
        self.grid = grid = Grid.of(grid)
        self.shift = require_real("shift", shift)
        if method not in get_args(Method):
            raise ValueError(f"method is {method!r}: pass one of {', '.join(get_args(Method))}")
        if mean not in get_args(Mean):
            raise ValueError(f"mean is {mean!r}: pass 'harmonic' or 'arithmetic'")
        require_tolerance("imbalance", imbalance)
        if rtol is not None and require_real("rtol", rtol) < 0:
            raise ValueError(f"rtol is {rtol!r}: a tolerance is not negative")
        require_limits(maxiter, None, None)
        self.sides = sides_of(grid, bc)
        self._options: dict[str, Any] = {
            "bc": self.sides,
            "shift": self.shift,
            "coef": coef,
            "convection": convection,
            "method": method,
            "mean": mean,
            "rtol": rtol,
            "maxiter": maxiter,
            "imbalance": imbalance,
        }
        self.method = _method(grid, self.sides, self.shift, method, convection)
        self.modes: Any = None
        self._factor = 1.0  # of the right-hand side
        self._solver: Any
        if self.method == "schur":
            self._solver = ConvectionDiffusion(
                grid,
                diffusion=1.0 if coef is None else coef,
                convection=0.0 if convection is None else convection,
                shift=self.shift,
                bc=bc,
            )
            return
        self._options["coef"] = a = _coefficient(grid, coef)  # functions cannot always be pickled
        if self.method in ("legendre", "ultraspherical"):
            if not isinstance(a, float):
                raise ValueError(
                    f"coef varies, but the grid is for the spectral method {self.method!r}, which "
                    "needs a number: take a grid of nodes or cells"
                )
            self._factor = 1 / a
            if self.method == "legendre":
                self._solver = LegendreGalerkin(grid, self.shift / a, bc=bc)
                self.modes = self._solver.modes
            else:
                self._solver = UltrasphericalADI(grid, self.shift / a)
            return
        self.modes = Modes(grid, bc)
        self._solver = FiniteVolumes(
            self.modes,
            a,
            self.shift,
            method=self.method,
            mean=mean,
            rtol=rtol,
            maxiter=maxiter,
            imbalance=imbalance,
        )
        self.method = self._solver.method

    def __repr__(self) -> str:
        shift = f", shift {self.shift:g}" if self.shift else ""
        return f"<Poisson on {self.grid!r} by {self.method}{shift}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # array libraries are modules, which cannot be pickled
        return _rebuilt, (self.grid, self._options)

    def solve(self, F: Any, boundary: Any = 0.0) -> Any:
        """Return the solution on the grid.

        Parameters
        ----------
        F : (..., *grid.shape) array, callable or number
            Right-hand sides at the points of the grid, real or complex; axes before those of the
            grid number samples. Nodes on Dirichlet sides do not count. A callable gets all
            coordinates, as ``F(x, y)``.
        boundary : number, callable, or sequence
            What is given at the sides: ``u`` on Dirichlet ones, elsewhere ``∂u/∂n``, plus ``a u``
            on Robin ones. For all sides, or a list with a pair (low, high) for every axis, of
            numbers, callables, or arrays over the points of the other axes; None where it is zero.
            Callables get all coordinates, as ``g(x, y)``, also that of the axis of the side. Arrays
            may have the axes of samples of ``F`` before their own; one ``F`` without such axes
            then serves all samples.

        Returns
        -------
        (..., *grid.shape) array
            In the precision and array library of ``F``; a number takes those of the grid. With no
            value given anywhere, the solution of mean zero.

        Raises
        ------
        ValueError
            If shapes do not fit, an entry is NaN or Inf (sample and place are named), the solution
            overflows, or there is none: see ``imbalance``.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached.
        UserWarning
            If Dirichlet data of two sides differ where these meet.

        Examples
        --------
        >>> import numpy as np
        >>> solver = Poisson(Grid.uniform([(0, 1)], 5), bc=[("dirichlet", "neumann")])
        >>> solver.solve(np.zeros(5), boundary=[(1.0, 2.0)])
        array([1. , 1.5, 2. , 2.5, 3. ])
        """
        return self._solver.solve(self._scaled(F, boundary), self._told(boundary))

    def solution(self, F: Any, boundary: Any = 0.0) -> Solution:
        """Return the solution and how it came about: parameters and errors are those of `solve`.

        Returns
        -------
        Solution
            Its ``x`` is the solution on the grid. Direct methods take 0 iterations; of others,
            iterations and residual norms are those of the sample that took most of them. Where
            multigrid took over from conjugate gradients that did not converge, ``choices`` has
            their number as ``"pcg_iterations"``, and ``iterations`` counts both.

        Examples
        --------
        >>> grid = Grid.uniform([(0, 1), (0, 1)], 65)
        >>> solver = Poisson(grid, coef=lambda x, y: 1 + (x < 0.5) * 3.0)
        >>> solver.solution(1.0, boundary=0.0).choices
        {'method': 'pcg', 'scaled': False}
        """
        if isinstance(self._solver, FiniteVolumes):
            return self._solver.solution(self._scaled(F, boundary), self._told(boundary))
        x = self._solver.solve(self._scaled(F, boundary), self._told(boundary))
        return Solution(x, "converged", 0, np.empty(0), {"method": self.method})

    def residual(self, U: Any, F: Any, boundary: Any = 0.0) -> Any:
        """Return ``f + ∇·(a ∇u) − shift u`` by the differences of the solver.

        Parameters
        ----------
        U : (..., *grid.shape) array
            Approximate solutions. Values at nodes on Dirichlet sides do not count: there
            ``boundary`` does.
        F, boundary
            As in `solve`.

        Returns
        -------
        (..., *grid.shape) array
            Zero at nodes on Dirichlet sides, and without its mean where ``U`` is known up to a
            constant. ``U + solver.solve(residual)`` solves the equations.

        Examples
        --------
        >>> import numpy as np
        >>> solver = Poisson(Grid.uniform([(0, 1)], 5))
        >>> F = np.ones(5)
        >>> bool(np.allclose(solver.residual(solver.solve(F), F), 0))
        True
        """
        if not isinstance(self._solver, FiniteVolumes):
            raise TypeError(
                f"the method is {self.method!r}: residuals of differences exist on grids of nodes "
                "or cells, without convection"
            )
        return self._solver.residual(U, self._scaled(F, boundary), self._told(boundary))

    def _scaled(self, F: Any, boundary: Any) -> Any:
        """Return the right-hand side as an array, as the solver wants it, for all samples."""
        grid, xp = self.grid, self.grid.xp
        if callable(F):
            F = grid.evaluate(F, "F")
        elif isinstance(F, int | float | complex | np.generic):
            F = F.item() if isinstance(F, np.generic) else F
            dtype = grid.dtype
            if isinstance(F, complex):
                dtype = xp.result_type(dtype, xp.complex64)
            with np.errstate(over="ignore"):  # looked at by the solver
                F = xp.full(grid.shape, F, dtype=dtype, device=grid.device)
        samples = samples_of(grid, boundary)
        if samples and tuple(getattr(F, "shape", ())) == grid.shape:
            F = xp.broadcast_to(F, (*samples, *grid.shape))
        if self._factor == 1:
            return F
        with np.errstate(over="ignore", under="ignore"):
            scaled = checked_samples("F", F, self.grid) * self._factor
        if first_nonfinite(scaled) is not None:
            raise ValueError(f"F over coef overflows {scaled.dtype}: scale F or coef")
        return scaled

    def _told(self, boundary: Any) -> Any:
        """Return the data of the sides, NumPy's numbers as Python's."""
        if isinstance(boundary, np.generic | np.ndarray) and boundary.ndim == 0:
            boundary = boundary.item()
        nothing = boundary is None or (isinstance(boundary, int | float) and boundary == 0)
        everywhere = not isinstance(boundary, list | tuple) and not nothing
        if everywhere and all(pair == ("periodic", "periodic") for pair in self.sides):
            raise ValueError("all axes are periodic: there are no sides on which to give data")
        return 0.0 if nothing else boundary


def _method(grid: Grid, sides: Any, shift: float, method: str, convection: Any) -> str:
    """Return the method, except for the choice that the coefficient decides."""
    kinds = set(grid.kinds)
    spectral = kinds & {"legendre", "chebyshev"}
    if convection is not None:
        fits = {"schur"}
    elif not spectral:
        fits = {"transform", "eigen", "pcg", "multigrid", "schur"}
    elif kinds == {"legendre"}:
        fits = {"legendre"}
    elif kinds == {"chebyshev"}:
        dirichlet = all(side == "dirichlet" for pair in sides for side in pair)
        by_directions = dirichlet and grid.ndim == 2 and shift >= 0
        fits = {"legendre", "schur"} | ({"ultraspherical"} if by_directions else set())
    else:
        raise ValueError(
            f"the axes of the grid are of kinds {', '.join(grid.kinds)}: spectral methods need "
            "axes of one kind"
        )
    if method == "auto":
        return "legendre" if "legendre" in fits else method if len(fits) > 1 else "schur"
    if method not in fits:
        what = "with convection" if convection is not None else f"of kinds {', '.join(grid.kinds)}"
        raise ValueError(
            f"method is {method!r} but on a grid {what} it is {' or '.join(sorted(fits))}"
        )
    return method


def _rebuilt(grid: Grid, options: dict[str, Any]) -> Poisson:
    return Poisson(grid, **options)


def poisson(F: Any, grid: Grid, *, boundary: Any = 0.0, **options: Any) -> Any:
    """Solve ``−∇·(a ∇u) = f`` on a box.

    Parameters
    ----------
    F : (..., *grid.shape) array, callable or number
        Right-hand sides.
    grid : Grid
        The points.
    boundary : number, callable, or sequence
        What is given at the sides: see `Poisson.solve`.
    **options
        Those of `Poisson`: ``bc``, ``coef``, ``shift``, ``method`` and so on. `Poisson` itself
        prepares once for many calls.

    Returns
    -------
    (..., *grid.shape) array
        The solutions.

    Examples
    --------
    >>> poisson(2.0, Grid.uniform([(0, 1)], 5))
    array([0.    , 0.1875, 0.25  , 0.1875, 0.    ])
    """
    return Poisson(grid, **options).solve(F, boundary)


def _coefficient(grid: Grid, coef: Any) -> Any:
    """Return the coefficient as a number, or as an array of the shape of the grid, checked."""
    if coef is None:
        return 1.0
    if isinstance(coef, numbers.Real):
        return require_positive("coef", coef)
    xp = grid.xp
    a = grid.evaluate(coef, "coef")
    device(a, *grid.axes)
    if xp.isdtype(a.dtype, "complex floating"):
        raise TypeError("coef is complex: a coefficient is real and positive")
    require_finite("coef", a)
    wrong = a <= 0
    if bool(xp.any(wrong)):
        flat = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int8)))
        index = ", ".join(str(int(i)) for i in np.unravel_index(flat, grid.shape))
        raise ValueError(f"coef has an entry at [{index}] that is not positive")
    return xp.astype(a, xp.float64)
