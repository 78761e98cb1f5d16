"""Riesz fractional diffusion by finite differences on evenly spaced nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from structlin._validation import require_positive
from structlin.bases import Grid
from structlin.matrices import LinearOperator, Toeplitz
from structlin.solvers.fractional._operator import RieszOperator
from structlin.solvers.fractional._parameters import per_axis, require_number, require_scale
from structlin.solvers.fractional._schemes import schemes


class RieszDiffusion(RieszOperator):
    """The operator ``A u = Σ_j −K_j ∂^α_j u/∂|x_j|^α_j + shift · u``, with ``u = 0`` off the box.

    Parameters
    ----------
    grid : Grid
        Evenly spaced nodes, ends included, of one to three axes or more. The ends belong to the
        outside, where ``u`` vanishes: values of right-hand sides there are not looked at.
    alpha : float or sequence of float
        The orders of differentiation, for all axes or for each.
    diffusivity : float or sequence of float, default 1
        ``K``, positive, likewise.
    shift : float, default 0
        Nonnegative.
    scheme : {"centred", "grunwald"}
        Fractional centred differences, for ``0 < α ≤ 2``, or Grünwald's formula shifted and
        weighted to second order, for ``1 < α ≤ 2``.
    preconditioner : {"auto", "sine", "eigen"}
        Sine transforms; or the eigenvectors of the matrices of axes, which solve at once, at
        ``O(n³)`` for an axis beforehand and ``O(N n)`` for a solution: by default these for several
        axes of up to 512 unknowns each.
    rtol : float, default 1e-8
        Iterations stop when ``‖b − A x‖₂ ≤ rtol · ‖b‖₂``, or at what rounding allows.

    Attributes
    ----------
    grid, alpha, diffusivity, shift, scheme, preconditioner, rtol
        As given, or chosen, with an entry for every axis.
    sizes : tuple of int
        Unknowns along each axis: two less than there are nodes.
    operator : LinearOperator
        The (N, N) matrix, shift included, of the unknowns in C order: ``operator @ v`` is a product
        with it.
    eigenvalues : array
        Of the preconditioner, in the shape of the unknowns: samples of the symbol at evenly spread
        angles, or the true ones.

    Raises
    ------
    ValueError
        If an axis has not evenly spaced nodes with the ends of the box among them, or fewer than
        three, or a number is out of range.

    See Also
    --------
    RieszCollocation : splines, of higher order.
    toeplitz_symbol : spectra of Toeplitz matrices.

    Notes
    -----
    The Riesz derivative is, on functions that vanish off the box,

        −∂^α u/∂|x|^α = (D₊^α u + D₋^α u) / (2 cos(πα/2)),

    with the derivatives of Riemann and Liouville from both sides; it is the fractional Laplacian
    ``(−Δ)^(α/2)`` of one variable, which multiplies Fourier transforms by ``|ξ|^α``. Centred
    differences have the symbol ``|2 sin(θ/2)|^α / h^α``, so their matrices are Toeplitz,
    symmetric, and positive definite. The error is ``O(h²)`` where ``u`` is smooth on the line;
    for smooth right-hand sides, ``u`` is like ``distance^(α/2)`` at the ends, which costs order
    for every scheme on an even grid.

    Systems are solved by conjugate gradients, from what the preconditioner makes of the right-hand
    side. It has the true eigenvectors; or the sine transform for its eigenvectors, and values of
    the symbol at ``π k/(n + 1)`` for its eigenvalues: then the number of iterations hardly depends
    on the number of unknowns ``N``, and one costs two fast Fourier transforms of ``2 N`` numbers
    for each axis and two sine transforms, ``O(N log N)``, quickest where the number of cells
    ``n + 1`` of every axis has small prime factors. The condition number is of order
    ``h^−α``, so that the residual of a rounded solution may be larger than the tolerance on fine
    grids: iterations stop there too.

    References
    ----------
    C. Çelik and M. Duman, "Crank–Nicolson method for the fractional diffusion equation with the
    Riesz fractional derivative", J. Comput. Phys. 231 (2012).
    W. Tian, H. Zhou and W. Deng, "A class of second order difference approximations for solving
    space fractional diffusion equations", Math. Comput. 84 (2015).

    Examples
    --------
    The time that a stable process takes to leave an interval is known:

    >>> import numpy as np
    >>> riesz = RieszDiffusion(Grid.uniform([(-1, 1)], 1001), 1.5)
    >>> u = riesz.solve(np.ones(1001))
    >>> abs(u[500] - 1 / 1.3293403881791370) < 1e-3  # (1 − x²)^(α/2) / Γ(α + 1)
    np.True_
    """

    _hermitian = True

    def __init__(
        self,
        grid: Grid,
        alpha: float | Sequence[float],
        *,
        diffusivity: float | Sequence[float] = 1.0,
        shift: float = 0.0,
        scheme: Literal["centred", "grunwald"] = "centred",
        preconditioner: Literal["auto", "sine", "eigen"] = "auto",
        rtol: float = 1e-8,
    ) -> None:
        grid = Grid.of(grid)
        if not isinstance(scheme, str) or scheme not in schemes:
            raise ValueError(f"scheme is {scheme!r}: pass 'centred' or 'grunwald'")
        for axis, (kind, spacing, n) in enumerate(
            zip(grid.kinds, grid.spacings, grid.shape, strict=True)
        ):
            if kind != "node" or spacing is None or n < 3:
                raise ValueError(
                    f"axis {axis} of the grid has {n} nodes of kind {kind!r}: fractional "
                    "differences need three evenly spaced nodes or more, ends included, as "
                    "Grid.uniform(box, shape) makes them"
                )
        least = schemes[scheme].least
        self.scheme = scheme
        self.alpha = tuple(
            require_number("alpha", a, least, 2.0, inclusive=False)
            for a in per_axis("alpha", alpha, grid.ndim)
        )
        self.diffusivity = tuple(
            require_positive("diffusivity", K)
            for K in per_axis("diffusivity", diffusivity, grid.ndim)
        )
        self._scales = tuple(
            require_scale(axis, K, (high - low) / (n - 1), a)
            for axis, (K, a, n, (low, high)) in enumerate(
                zip(self.diffusivity, self.alpha, grid.shape, grid.box, strict=True)
            )
        )
        self._prepare(grid, [n - 2 for n in grid.shape], shift, rtol, preconditioner)

    def __repr__(self) -> str:
        orders = ", ".join(f"{a:g}" for a in self.alpha)
        return f"<RieszDiffusion of order {orders} on {self.grid!r}, {self.scheme}>"

    def _factor(self, axis: int, dtype: Any) -> LinearOperator:
        column = schemes[self.scheme].column(self.alpha[axis], self.sizes[axis])
        grid = self.grid
        return Toeplitz(
            grid.xp.asarray(self._scales[axis] * column, dtype=dtype, device=grid.device)
        )

    def _dense(self, axis: int) -> NDArray[Any]:
        n = self.sizes[axis]
        column = self._scales[axis] * schemes[self.scheme].column(self.alpha[axis], n)
        dense: NDArray[Any] = column[np.abs(np.arange(n)[:, None] - np.arange(n))]
        return dense

    def _axis_symbol(self, axis: int, angles: Any) -> Any:
        return self._scales[axis] * schemes[self.scheme].symbol(self.alpha[axis], angles)

    def _inside(self, F: Any) -> Any:
        return F[(..., *(slice(1, -1) for _ in self.sizes))]

    def _outside(self, U: Any) -> Any:
        xp = self.grid.xp
        batch = tuple(U.shape[: U.ndim - len(self.sizes)])
        whole = xp.zeros((*batch, *self.grid.shape), dtype=U.dtype, device=self.grid.device)
        whole[(..., *(slice(1, -1) for _ in self.sizes))] = U
        return whole
