"""Alternating directions: diffusion in two dimensions by tridiagonal systems alone."""

from __future__ import annotations

import operator
from typing import Any

from structlin._backend import namespace, type_name
from structlin._validation import require_finite, require_positive
from structlin.bases import Grid
from structlin.solvers.elliptic._differences import Differences
from structlin.solvers.elliptic._samples import checked_samples
from structlin.solvers.elliptic.modes import Modes
from structlin.solvers.evolution._input import require_axes
from structlin.solvers.evolution._lines import Lines


class PeacemanRachford:
    """Steps of ``u_t = ∇·(a ∇u) + f`` on a rectangle, implicit along one axis at a time.

    Parameters
    ----------
    grid : Grid
        Two axes of nodes or cells, even or graded, or periodic.
    dt : float
        The time step.
    diffusivity : number, callable or (nx, ny) array
        The positive ``a``, as a function of the coordinates or by its values on the grid.
    bc : str, Robin or sequence
        The boundary conditions, see `Poisson`: Dirichlet by default.
    boundary : number, callable or sequence
        The data of the sides, constant in time; see `Poisson.solve`.

    Raises
    ------
    ValueError
        If the grid has not two axes, or ``dt`` or the diffusivity is not positive.

    Notes
    -----
    With the differences ``A`` and ``B`` of ``−∂/∂x(a ∂/∂x)`` and ``−∂/∂y(a ∂/∂y)``, a step is [1]_

        ``(1 + dt/2 A) v = (1 − dt/2 B) u + dt/2 f``
        ``(1 + dt/2 B) u' = (1 − dt/2 A) v + dt/2 f``

    and costs ``O(N)``. It is of second order in time. Diffusivities between nodes are harmonic
    means. Where they are constant, `heat_equation` makes all steps at once.

    References
    ----------
    .. [1] D. W. Peaceman and H. H. Rachford, "The numerical solution of parabolic and elliptic
       differential equations", Journal of the Society for Industrial and Applied Mathematics 3
       (1955), 28–41.

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.bases import Grid
    >>> from structlin.solvers.evolution import PeacemanRachford
    >>> grid = Grid.uniform([(0, np.pi)] * 2, 65)
    >>> start = grid.evaluate(lambda x, y: np.sin(x) * np.sin(y))
    >>> u = PeacemanRachford(grid, dt=0.01).run(start, 50)
    >>> float(u[32, 32].round(4)), float(np.exp(-1).round(4))
    (0.368, 0.3679)
    """

    def __init__(
        self, grid: Grid, dt: float, *, diffusivity: Any = 1.0, bc: Any = None, boundary: Any = 0
    ) -> None:
        require_axes("PeacemanRachford", grid, 2)
        grid = Grid.of(grid)
        self.grid, self.dt, self.boundary = grid, require_positive("dt", dt), boundary
        a = grid.xp.astype(grid.evaluate(diffusivity, "diffusivity"), grid.xp.float64)
        require_finite("diffusivity", a)
        if not float(grid.xp.min(a)) > 0:
            raise ValueError(f"diffusivity reaches {float(grid.xp.min(a)):g}: it must be positive")
        self._differences = Differences(Modes(grid, bc), a, 0.0)
        self._lines: dict[str, tuple[Lines, Lines]] = {}

    def __repr__(self) -> str:
        return f"<PeacemanRachford dt={self.dt:g} on {self.grid!r}>"

    def run(self, u0: Any, steps: int, source: Any = None) -> Any:
        """Return what so many steps make of states at time zero.

        Parameters
        ----------
        u0 : (..., nx, ny) array
            States. Values at nodes on Dirichlet sides do not count.
        steps : int
            How many steps.
        source : callable or (..., nx, ny) array, optional
            ``f``: constant in time, or a function of time that returns it.

        Returns
        -------
        (..., nx, ny) array

        Raises
        ------
        ValueError
            If a shape does not fit, a value is NaN or Inf, or ``steps`` is negative.
        TypeError
            If ``steps`` is no whole number, or the source or the data of the sides are complex but
            the states are not.
        """
        steps = operator.index(steps)
        if steps < 0:
            raise ValueError(f"steps is {steps}: it must not be negative")
        xp, inside = self.grid.xp, (..., *self._differences.modes.interior)
        u0 = checked_samples("u0", u0, self.grid)
        # what flows in through the sides is a source beside them
        inflow, data = self._differences.right_hand_side(xp.zeros_like(u0), self.boundary)
        if 0 in u0[inside].shape:
            return self._differences.filled(xp.asarray(u0[inside], copy=True), data)
        x, y = self._factorised(u0.dtype)
        u = _along_y(u0[inside])
        fixed = self._halves(u0, self._suited("boundary", inflow, u0)) if data else None
        if source is not None and not callable(source):
            fixed = self._added(self._halves(u0, self._given(source, u0)), fixed)
        explicit = y.back(u)
        for k in range(steps):
            forces = fixed
            if callable(source):
                given = self._given(source((k + 0.5) * self.dt), u0)
                forces = self._added(self._halves(u0, given), fixed)
            r = _turned(explicit if forces is None else explicit + forces[1])
            v = x.solve(r)
            # (1 − A) v, as (1 + A) v = r
            explicit = 2 * v - r
            r = _turned(explicit if forces is None else explicit + forces[0])
            u = y.solve(r)
            explicit = 2 * u - r
        u = xp.reshape(xp.permute_dims(u, (1, 2, 0)), tuple(u0[inside].shape))
        return self._differences.filled(u, data)

    def _given(self, source: Any, u0: Any) -> Any:
        """Return a source at the unknowns, checked."""
        values = self._suited("source", checked_samples("source", source, self.grid), u0)
        batch, own = tuple(u0.shape[:-2]), tuple(values.shape[:-2])
        if any(m not in (1, n) for m, n in zip(own[::-1], batch[::-1], strict=False)) or (
            len(own) > len(batch)
        ):
            raise ValueError(
                f"source has samples of shape {own} but u0 has {batch}: pass one for all, or as "
                "many"
            )
        return values[(..., *self._differences.modes.interior)]

    def _suited(self, name: str, values: Any, u0: Any) -> Any:
        """Return what drives states; raise where they cannot hold it."""
        isdtype = self.grid.xp.isdtype
        if isdtype(values.dtype, "complex floating") and isdtype(u0.dtype, "real floating"):
            raise TypeError(f"{name} is complex but u0 is real: pass u0 + 0j")
        return values

    def _halves(self, u0: Any, source: Any) -> tuple[Any, Any]:
        """Return ``dt/2 f`` for the lines along both axes, in the data type of the states."""
        xp = self.grid.xp
        shape = (*u0.shape[:-2], *source.shape[-2:])
        force = xp.broadcast_to(xp.astype(source, u0.dtype, copy=False), shape) * (self.dt / 2)
        turned = _along_y(force)
        return _turned(turned), turned

    @staticmethod
    def _added(one: tuple[Any, Any], other: tuple[Any, Any] | None) -> tuple[Any, Any]:
        return one if other is None else (one[0] + other[0], one[1] + other[1])

    def _factorised(self, dtype: Any) -> tuple[Lines, Lines]:
        """Return the lines along both axes, in the precision of this data type."""
        real = self.grid.xp.finfo(dtype).dtype
        name = type_name(real)
        if name not in self._lines:
            A, xp = self._differences.operator(real), self.grid.xp
            mass = self._differences.volumes(real)
            if isinstance(mass, float):
                mass = xp.full((1, 1), mass, dtype=real, device=self.grid.device)
            made = []
            for axis in range(2):
                faces, size = A.weights[axis], A.grid[axis] + 1
                faces = xp.permute_dims(faces, (axis, 1 - axis)) * (self.dt / 2)
                faces = xp.broadcast_to(faces, (size, faces.shape[1]))
                own = xp.permute_dims(mass, (axis, 1 - axis))
                made.append(Lines(faces, own, self.grid.kinds[axis] == "periodic"))
            self._lines[name] = (made[0], made[1])
        return self._lines[name]


def _along_y(u: Any) -> Any:
    """Return functions (..., nx, ny) as (ny, samples, nx)."""
    xp = namespace(u)
    samples = xp.reshape(u, (-1, *u.shape[-2:]))
    return _contiguous(xp.permute_dims(samples, (2, 0, 1)))


def _turned(u: Any) -> Any:
    """Return functions whose first and last axes have changed places."""
    return _contiguous(namespace(u).permute_dims(u, (2, 1, 0)))


def _contiguous(u: Any) -> Any:
    xp = namespace(u)
    return xp.reshape(xp.reshape(u, (-1,)), u.shape)
