"""Multigrid for diffusion on a box: a hierarchy prepared once, for many right-hand sides."""

from __future__ import annotations

import copy
import dataclasses
import math
import numbers
from collections.abc import Callable
from typing import Any

from structlin._backend import namespace, type_name
from structlin._norm import norm
from structlin.matrices import GridOperator
from structlin.solvers._solution import Solution, Status, quiet, warns_unconverged
from structlin.solvers._vectors import ceiling_of, rounding_of
from structlin.solvers.krylov._run import Run, prepared
from structlin.solvers.krylov.cg import cg
from structlin.solvers.multigrid._cycle import Knobs, complexity, cycle
from structlin.solvers.multigrid._levels import Hierarchy, hierarchy

_patience = 5  # cycles without a new least residual, before rounding is suspected: a choice
_most_direct = 4096  # points of a grid solved directly: its inverse then takes 128 MB


class Multigrid:
    """Multigrid for a `GridOperator`, as a solver and as a preconditioner.

    Parameters
    ----------
    A : (n, n) GridOperator
        Real, with positive diagonal, of 1 to 3 dimensions and any number of points per axis.
    smoother : {"red-black", "lexicographic", "jacobi", "line", "chebyshev"}
        What a sweep does. ``"red-black"`` relaxes points colour by colour: two colours on the
        finest level, ``2ᵈ`` on coarse ones. ``"line"`` solves for whole lines along each axis in
        turn; take it where neighbours couple strongly along one axis here and along another one
        there. ``"lexicographic"`` is slow outside NumPy.
    omega : float, optional
        Relaxation parameter, ``0 < omega < 2``; by default 1.1 for ``"red-black"``, 0.8 for
        ``"jacobi"``, else 1.
    interval : float, optional
        For ``"chebyshev"`` only: lower end of the interval of eigenvalues that the sweeps reduce,
        relative to the upper end, which is Gershgorin's bound; 0.25 by default.
    cycle : {"V", "W", "F"}
        How often each coarser level is visited: once, twice, or as an F-cycle does.
    pre, post : int, default 1
        Sweeps before and after the correction from the coarser level; for ``"chebyshev"``, the
        degree of the polynomial.
    coarsest : int, default 256
        Most points of the level that is solved directly, up to 4096.

    Attributes
    ----------
    A : GridOperator
        The operator.
    grids : tuple of tuple of int
        Points per axis on every level, finest first.
    knobs : Knobs
        What a cycle does by default: ``smoother``, ``omega``, ``interval``, ``cycle``, ``pre``,
        ``post``.
    complexity : float
        Numbers stored for the operators of all levels, relative to the finest one.
    singular : bool
        Whether constants are mapped to zero: there is no shift, and nothing is fixed at any side.

    Raises
    ------
    TypeError
        If ``A`` is no grid operator, or complex.
    ValueError
        If ``A`` has no points or a diagonal entry that is not positive, or an option is unknown.

    Notes
    -----
    Coarse operators are the Galerkin products ``Pᵀ A P``, with ``3ᵈ`` coefficients a point. ``P``
    follows the operator [1]_: between two coarse points, a value is interpolated so that its
    equation, collapsed along the other axes, holds; flows across jumps of the coefficient are
    thus continuous. Each level halves those axes along which neighbours couple at least half as
    strongly as along any other, so that a fixed anisotropy asks for no special smoother.

    Set-up takes the time of a few cycles, and a V-cycle with one sweep before and one after that
    of about ten products with ``A`` in two dimensions. Beside ``A``, about ``8 n`` numbers are
    stored in two dimensions, ``10 n`` in three.

    The number of cycles does not grow with the grid. Coefficients that jump many times within the
    width of a coarse cell slow it down, as no coarse grid resolves them; `cg` mends much of that.
    If ``A`` is singular, ``b`` must have the mean zero, and the solution has the mean of ``x0``.

    References
    ----------
    .. [1] J. E. Dendy, "Black box multigrid", J. Comput. Phys. 48 (1982).
    .. [2] U. Trottenberg, C. W. Oosterlee and A. Schüller, *Multigrid*, Academic Press (2001).

    Examples
    --------
    >>> import numpy as np
    >>> M = Multigrid(GridOperator.laplacian((100, 100)))
    >>> M
    <Multigrid 100x100 float64 = 4 levels to 12x12, red-black V(1, 1)>
    >>> M.solve(np.ones(10_000)).iterations
    8
    """

    A: GridOperator
    knobs: Knobs
    _hierarchy: Hierarchy

    def __init__(
        self,
        A: GridOperator,
        *,
        smoother: str = "red-black",
        omega: float | None = None,
        interval: float | None = None,
        cycle: str = "V",
        pre: int = 1,
        post: int = 1,
        coarsest: int = 256,
    ) -> None:
        self.knobs = Knobs(smoother, omega, interval, cycle, pre, post)
        if not isinstance(A, GridOperator):
            raise TypeError(
                f"A is a {type(A).__name__}: geometric multigrid needs a GridOperator; for sparse "
                "matrices there is algebraic multigrid, as in PyAMG"
            )
        if A.is_complex:
            raise TypeError("A is complex: multigrid needs a real symmetric operator")
        if not isinstance(coarsest, numbers.Integral) or not 1 <= coarsest <= _most_direct:
            raise ValueError(
                f"coarsest is {coarsest!r}: a number of points from 1 to {_most_direct}"
            )
        if 0 in A.grid:
            raise ValueError(f"A is on a grid of {A.grid} points, which is empty")
        self.A = A
        self._hierarchy = hierarchy(A, int(coarsest))

    @property
    def grids(self) -> tuple[tuple[int, ...], ...]:
        """Points per axis on every level, finest first."""
        return tuple(level.grid for level in self._hierarchy.levels)

    @property
    def complexity(self) -> float:
        """Numbers stored for the operators of all levels, relative to the finest one."""
        return complexity(self._hierarchy)

    @property
    def singular(self) -> bool:
        """Whether constants are mapped to zero."""
        return self._hierarchy.singular

    def __repr__(self) -> str:
        first, last = ("x".join(map(str, grid)) for grid in (self.grids[0], self.grids[-1]))
        knobs = self.knobs
        return (
            f"<Multigrid {first} {type_name(self.A.dtype)} = {len(self.grids)} levels to {last}, "
            f"{knobs.smoother} {knobs.cycle}({knobs.pre}, {knobs.post})>"
        )

    def with_knobs(self, **knobs: Any) -> Multigrid:
        """Return the same hierarchy with other knobs; nothing is set up again.

        Parameters
        ----------
        **knobs
            ``smoother``, ``omega``, ``interval``, ``cycle``, ``pre``, ``post``, as in `Multigrid`.
            With another smoother, ``omega`` and ``interval`` are what is usual for it.

        Returns
        -------
        Multigrid
            It shares the operators of all levels.

        Raises
        ------
        TypeError, ValueError
            If a name or a value is unknown.

        Examples
        --------
        >>> M = Multigrid(GridOperator.laplacian((50, 50)))
        >>> M.with_knobs(smoother="jacobi", cycle="W")
        <Multigrid 50x50 float64 = 3 levels to 12x12, jacobi W(1, 1)>
        """
        other = copy.copy(self)
        other.knobs = self.knobs.changed(**knobs)
        return other

    def precondition(self, r: Any) -> Any:
        """Return one cycle for ``A z = r``, started from zero: a preconditioner.

        It is symmetric positive definite if ``pre == post`` and the cycle is ``"V"`` or ``"W"``
        (and the smoother converges). The object itself, called, does the same, so that it can be
        passed to `cg` as ``preconditioner``.

        Parameters
        ----------
        r : (n,) array, or one in the shape of the grid
            Residual.

        Returns
        -------
        array
            In the shape of ``r``.

        Examples
        --------
        >>> import numpy as np
        >>> A = GridOperator.laplacian((100, 100))
        >>> cg(A, np.ones(10_000), preconditioner=Multigrid(A)).iterations
        9
        """
        xp = namespace(r)
        if tuple(r.shape) not in ((self.A.shape[0],), self.A.grid):
            raise ValueError(
                f"r has shape {tuple(r.shape)}: it must be {(self.A.shape[0],)} or {self.A.grid}"
            )
        box = xp.reshape(r, self.A.grid)
        z = cycle(self._hierarchy, self.knobs, xp.zeros_like(box), box, symmetric=True)
        return xp.reshape(z, r.shape)

    __call__ = precondition

    @warns_unconverged
    def solve(
        self,
        b: Any,
        *,
        x0: Any = None,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 100,
        time_limit: float | None = None,
        callback: Callable[[Any], object] | None = None,
        **knobs: Any,
    ) -> Solution:
        """Solve ``A x = b`` by cycles.

        Parameters
        ----------
        b : (n,) array, or one in the shape of the grid
            Right-hand side.
        x0 : array, optional
            Start; zero by default.
        rtol, atol : float
            The iteration stops when ``‖b − A x‖₂ ≤ max(rtol · ‖b‖₂, atol)``.
        maxiter : int, default 100
            Most cycles.
        time_limit : float, optional
            Seconds after which no further cycle begins.
        callback : callable, optional
            Called with the iterate after every cycle, in the shape of ``b``.
        **knobs
            For this solution only, as in `with_knobs`.

        Returns
        -------
        Solution
            An iteration is a cycle; ``choices`` has the knobs.

        Raises
        ------
        ValueError
            If shapes disagree, entries of ``b`` or ``x0`` are NaN or Inf, the tolerance is beyond
            the precision of the data, or ``A`` is singular and ``b`` has another mean than zero.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached.

        Notes
        -----
        The sweeps after the correction take the same order as those before it, which converges
        faster than the symmetric cycle of `precondition`.

        Examples
        --------
        >>> import numpy as np
        >>> M = Multigrid(GridOperator.laplacian((20, 20, 20)))
        >>> M.solve(np.ones((20, 20, 20)), omega=1.1).converged
        True
        """
        chosen = self.knobs.changed(**knobs)
        told = chosen.told()
        run = prepared(self.A, b, x0, rtol, atol, maxiter, time_limit, callback, None, told)
        self._require_solvable(run)
        mean = self._mean(run.x)
        x, status = self._cycles(run, chosen)
        return run.solution(self._shifted(x, mean), status)

    @warns_unconverged
    def cg(
        self,
        b: Any,
        *,
        x0: Any = None,
        rtol: float = 1e-8,
        atol: float = 0.0,
        maxiter: int = 100,
        time_limit: float | None = None,
        callback: Callable[[Any], object] | None = None,
        **knobs: Any,
    ) -> Solution:
        """Solve ``A x = b`` by conjugate gradients with a cycle as preconditioner.

        This is the robust choice for coefficients that jump. Parameters, results and errors are
        those of `solve`, where an iteration is one of `structlin.solvers.cg`.

        Raises
        ------
        ValueError
            Also if the cycle is not symmetric: ``pre`` differs from ``post``, or it is ``"F"``.

        Examples
        --------
        >>> import numpy as np
        >>> kappa = np.ones((64, 64))
        >>> kappa[16:40, 24:48] = 1e4
        >>> Multigrid(GridOperator.diffusion(kappa)).cg(np.ones(64 * 64)).iterations
        10
        """
        used = self.with_knobs(**knobs)
        if used.knobs.cycle == "F" or used.knobs.pre != used.knobs.post:
            raise ValueError(
                f"cycle {used.knobs.cycle}({used.knobs.pre}, {used.knobs.post}) is not symmetric: "
                "conjugate gradients need pre = post, and cycle 'V' or 'W'"
            )
        data = b, x0, rtol, atol, maxiter, time_limit, callback
        run = prepared(self.A, *data, None, {})
        self._require_solvable(run)
        mean = self._mean(run.x)
        solution = quiet(cg)(
            self.A,
            b,
            x0=x0,
            rtol=rtol,
            atol=atol,
            maxiter=maxiter,
            time_limit=time_limit,
            callback=callback,
            preconditioner=used.precondition,
        )
        x = self._shifted(solution.x, mean * run.unit)
        return dataclasses.replace(solution, x=x, choices={**solution.choices, **used.knobs.told()})

    def _cycles(self, run: Run, knobs: Knobs) -> tuple[Any, Status]:
        """Return the last iterate of a run, a vector, and its status."""
        if run.start() is None:
            return run.x, "converged"
        xp = namespace(run.b)
        b, x = (xp.reshape(v, self.A.grid) for v in (run.b, xp.asarray(run.x, copy=True)))
        first = least = run.norms[0]
        since = 0
        for done in range(run.maxiter):
            if run.late():
                return xp.reshape(x, (-1,)), "time_limit"
            x = cycle(self._hierarchy, knobs, x, b, symmetric=False)
            last = norm(b - xp.reshape(run.product(xp.reshape(x, (-1,))), self.A.grid))
            run.norms.append(last)
            run.show(xp.reshape(x, (-1,)))
            if last <= run.target:
                return xp.reshape(x, (-1,)), "converged"
            if not last <= ceiling_of(first, b):
                return xp.reshape(x, (-1,)), "diverged"
            if last < 0.9 * least:
                least, since = last, done
            elif done - since >= _patience and last <= rounding_of(self.A.coefficients, b, x):
                return xp.reshape(x, (-1,)), "stagnated"
        return xp.reshape(x, (-1,)), "max_iterations"

    def _require_solvable(self, run: Run) -> None:
        """Raise unless the right-hand side is real, and in the range of a singular operator."""
        if namespace(run.b).isdtype(run.b.dtype, "complex floating"):
            raise TypeError("b or x0 is complex: solve for the real and the imaginary part")
        if not self.singular:
            return
        xp, n = namespace(run.b), run.b.shape[0]
        mean = float(xp.mean(run.b))
        # the constant part of b stays in the residual; rounding leaves some of it
        rounding = 10 * float(xp.finfo(run.b.dtype).eps) * norm(run.b)
        if abs(mean) * math.sqrt(n) > max(run.target, rounding):
            raise ValueError(
                f"A maps constants to zero, as nothing is fixed at its sides, and b has the mean "
                f"{mean * run.unit:.3g}: there is no solution; pass b - b.mean(), or a shift"
            )

    def _mean(self, x: Any) -> float:
        """Return the mean that the solution shall have, if it is determined up to that only."""
        return float(namespace(x).mean(x)) if self.singular else 0.0

    def _shifted(self, x: Any, mean: float) -> Any:
        """Return a solution with that mean, if it is determined up to that only."""
        return x - (namespace(x).mean(x) - mean) if self.singular else x
