"""What all learned maps share: the grids they were fitted on, and others they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from structlin._backend import device, namespace
from structlin.bases import Grid
from structlin.operators._samples import in_double, require_pairs, require_samples
from structlin.operators.kernels._resample import resampled, same_grid

_elsewhere = ", on the grid of the fit, or fit(grid=...) and predict(grid=...), which interpolates"


class OnGrids:
    """A map between functions on grids.

    Attributes
    ----------
    samples : int
        From how many pairs the map was learned.
    input_shape, output_shape : tuple of int
        Of one sample.
    grid, output_grid : Grid or None
        The points of inputs and of outputs.
    """

    fitted = False

    def _remember(self, inputs: Any, outputs: Any, grid: Any, output_grid: Any) -> tuple[Any, Any]:
        """Take note of pairs and their grids, checked, and return the pairs in double precision.

        The grid of outputs is that of inputs if it fits.
        """
        grid = None if grid is None else Grid.of(grid)
        output_grid = None if output_grid is None else Grid.of(output_grid)
        inputs, outputs = require_pairs(
            inputs,
            outputs,
            least=3,  # samples are left out
            input_shape=None if grid is None else grid.shape,
            output_shape=None if output_grid is None else output_grid.shape,
        )
        if output_grid is None and grid is not None and tuple(outputs.shape[1:]) == grid.shape:
            output_grid = grid
        xp = namespace(inputs)
        self.samples = int(inputs.shape[0])
        self.input_shape: tuple[int, ...] = tuple(inputs.shape[1:])
        self.output_shape: tuple[int, ...] = tuple(outputs.shape[1:])
        self.grid, self.output_grid = grid, output_grid
        self._complex_outputs = bool(xp.isdtype(outputs.dtype, "complex floating"))
        self._complex_inputs = bool(xp.isdtype(inputs.dtype, "complex floating"))
        self._sample = xp.zeros(0, device=inputs.device)  # of the library and device of the fit
        self._single = outputs.dtype in (xp.float32, xp.complex64)
        self.fitted = False  # until the fit is done
        return in_double(inputs), in_double(outputs)

    def predict(
        self,
        inputs: Any,
        *,
        return_std: bool = False,
        grid: Any = None,
        output_grid: Any = None,
    ) -> Any:
        """Return the outputs that belong to inputs.

        Parameters
        ----------
        inputs : (n, ...) array
            A function for every sample.
        return_std : bool
            Whether to return the standard deviation of every output as well.
        grid : Grid, optional
            The points of these inputs, if they are not those of the fit: inputs are interpolated,
            and outputs as well where they were on the grid of the inputs.
        output_grid : Grid, optional
            Where outputs are wanted, if not there.

        Returns
        -------
        (n, ...) array, or two of them

        Raises
        ------
        ValueError
            If the shape of inputs is not that of the fit and no grid says where their points are,
            a grid covers another box, a sample has a NaN or Inf, or nothing was learned yet.
        """
        U, wanted = self._located(inputs, grid, output_grid)
        mean, std = self._predicted(U, return_std=return_std)
        if wanted is not None:
            mean = resampled(mean, self.output_grid, wanted)
            if return_std:
                xp = namespace(std)
                std = resampled(std, self.output_grid, wanted)
                std = xp.where(std > 0, std, xp.zeros_like(std))
        mean, std = self._as_given(mean), self._as_given(std)
        return (mean, std) if return_std else mean

    @abstractmethod
    def _predicted(self, U: Any, *, return_std: bool) -> tuple[Any, Any]:
        """Return the outputs on the grid of the fit, and their standard deviations or None."""

    def _located(self, inputs: Any, grid: Any, output_grid: Any) -> tuple[Any, Grid | None]:
        """Return inputs on the grid of the fit, and the grid of outputs where that is another."""
        self._require_fitted()
        where = None if grid is None else Grid.of(grid)
        known = self.input_shape if where is None else where.shape
        U = in_double(require_samples("inputs", inputs, known, cure="" if where else _elsewhere))
        xp = namespace(U, self._sample)
        device(U, self._sample)
        if xp.isdtype(U.dtype, "complex floating") and not self._complex_inputs:
            raise TypeError("inputs are complex, but those of the fit were real: pass real ones")
        if self._complex_inputs:
            U = xp.astype(U, xp.complex128, copy=False)
        moved = False
        if where is not None:
            if self.grid is None:
                raise ValueError(
                    "predict got a grid, but fit had none to compare it with: pass "
                    "fit(inputs, outputs, grid=...)"
                )
            moved = not same_grid(where, self.grid)
            U = resampled(U, where, self.grid) if moved else U
        if output_grid is not None:
            wanted = Grid.of(output_grid)
            if self.output_grid is None:
                raise ValueError(
                    "predict got an output_grid, but fit had none to compare it with: pass "
                    "fit(inputs, outputs, output_grid=...)"
                )
            return U, None if same_grid(wanted, self.output_grid) else wanted
        shared = (
            moved
            and self.output_grid is not None
            and self.grid is not None
            and same_grid(self.grid, self.output_grid)
        )
        return U, where if shared else None

    def _require_fitted(self) -> None:
        if not self.fitted:
            name = type(self).__name__
            raise ValueError(f"this {name} has learned nothing yet: call fit(inputs, outputs)")

    def _as_given(self, U: Any) -> Any:
        if U is None or not self._single:
            return U
        xp = namespace(U)
        is_complex = xp.isdtype(U.dtype, "complex floating")
        return xp.astype(U, xp.complex64 if is_complex else xp.float32)
