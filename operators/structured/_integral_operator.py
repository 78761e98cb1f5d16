"""Kernels of integral operators on a grid: values, columns, products, and storage."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import numpy as np

from structlin._backend import namespace
from structlin._validation import require_array
from structlin.bases import Grid
from structlin.matrices import LinearOperator, LowRank
from structlin.operators._samples import require_samples
from structlin.operators._storage import Stored
from structlin.operators.structured._fitting import applied
from structlin.operators.structured._interpolation import interpolation
from structlin.operators.structured.hierarchical_low_rank import HierarchicalLowRank


class IntegralOperator(Stored):
    """What is known of a kernel, however it was learned: ``W^½ A W^{-½}`` in ``_balanced``."""

    structure: str
    grid: Grid
    operator: LinearOperator
    error_estimate: float
    solves: int
    _rng: np.random.Generator
    _root: Any  # of the weights of the quadrature
    _single: bool  # whether products are taken in single precision
    _balanced: LowRank | HierarchicalLowRank | None
    _kernel: LinearOperator

    _transient: ClassVar[tuple[str, ...]] = ("_rng", "operator", "_kernel")

    def _restore(self) -> None:
        if not hasattr(self, "_rng"):
            self._rng = np.random.default_rng()
        if self._balanced is not None:
            self.operator = _scaled(self._balanced, 1 / self._root, self._root, self._single)
            self._kernel = _scaled(self._balanced, 1 / self._root, 1 / self._root, False)

    def predict(self, inputs: Any) -> Any:
        """Return the solutions of forcings: any batch of functions on the grid.

        Raises
        ------
        ValueError
            If it has not been learned, or the forcings are not functions on its grid.
        """
        A, shape = self._known().operator, self.grid.shape
        require_array("inputs", inputs, "an array whose last axes are those of the grid")
        batch = tuple(inputs.shape[: inputs.ndim - len(shape)])
        if inputs.ndim < len(shape) or tuple(inputs.shape[inputs.ndim - len(shape) :]) != shape:
            raise ValueError(
                f"inputs have shape {tuple(inputs.shape)}, but the grid has {shape}: the last axes "
                "are those of the grid"
            )
        xp = namespace(inputs, A)
        rows = require_samples("inputs", xp.reshape(inputs, (math.prod(batch), *shape)))
        return xp.reshape(applied(A, rows, shape), (*batch, *shape))

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Return the (k, l) matrix ``G(x_i, y_j)``, linear between the points of the grid.

        On a line, a number as ``x`` or ``y`` is one point, without an axis in the answer.

        Parameters
        ----------
        x, y : (k, d) and (l, d) array, or (k,) and (l,) or numbers for one axis
            Points, on the host; ``y`` is ``x`` by default.
        """
        K, grid = self._known()._kernel, self.grid
        xp = grid.xp
        rows = interpolation(grid, x)
        columns = rows if y is None else interpolation(grid, y)
        left, right = (xp.asarray(P, dtype=xp.float64, device=grid.device) for P in (rows, columns))
        values = K @ xp.matrix_transpose(right)
        values = xp.matmul(xp.astype(left, values.dtype), values)
        return xp.reshape(values, (*_batch(x), *_batch(x if y is None else y)))

    def column(self, y: Any) -> Any:
        """Return ``G(·, y_j)`` on the grid for points (l, d): an (l, …) array.

        On a line, a number is one point, without an axis in the answer.
        """
        K, grid = self._known()._kernel, self.grid
        points = interpolation(grid, y)
        right = grid.xp.asarray(points, dtype=grid.xp.float64, device=grid.device)
        values = K @ grid.xp.matrix_transpose(right)
        return grid.xp.reshape(grid.xp.matrix_transpose(values), (*_batch(y), *grid.shape))

    def report(self) -> str:
        """Return what was learned, in a few lines."""
        A = self._known().operator
        return (
            f"Green's function on {self.grid!r}\n"
            f"  {self.structure}: {A!r}\n"
            f"  {A.parameters} numbers for {self.grid.size}² values, {self.solves} solves\n"
            f"  error {self.error_estimate:.2e} of forcings that were held out"
        )

    def _known(self) -> Self:
        if self._balanced is None:
            raise ValueError("nothing has been learned yet: call learn or fit first")
        return self

    def __repr__(self) -> str:
        if self._balanced is None:
            return f"<GreensFunction {self.structure}, nothing learned yet>"
        return f"<GreensFunction {self.operator!r}, error {self.error_estimate:.2g}>"


def _batch(points: Any) -> tuple[int, ...]:
    """Return the axis that counts points; a number has none."""
    return tuple(np.shape(points)[:1])


def _scaled(
    made: LowRank | HierarchicalLowRank, rows: Any, columns: Any, single: bool
) -> LinearOperator:
    """Return ``diag(rows) A diag(columns)``, in single precision on request."""
    xp = made.xp
    if isinstance(made, HierarchicalLowRank):
        out = made.scaled(rows, columns)
        return out.astype(_single(made)) if single else out
    U, V = made.U.todense() * rows[:, None], made.V.todense() * columns[:, None]
    if single:
        U, V = (xp.astype(F, _single(made)) for F in (U, V))
    return LowRank(U, V)


def _single(A: LinearOperator) -> Any:
    return A.xp.complex64 if A.is_complex else A.xp.float32
