"""Random nonlinear functions of functions: filtered products with noise, and an activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._validation import first_nonfinite
from structlin.bases import Grid
from structlin.matrices._convolution import transforms
from structlin.operators._storage import Stored, storable
from structlin.operators.structured._half_spectra import cropped, padded
from structlin.operators.structured._pairs import Pairs

# entries of features that are made at a time
_at_once = 2**22
# that of the filter, by trial on 150 training samples of Burgers' equation
_power = 2


@storable
@dataclass(frozen=True)
class Filter:
    """The filter of the random functions: ``unit / (1 + |k|²/cutoff²)²``."""

    cutoff: float
    gain: float
    unit: float = 1.0


class RandomFunctions(Stored):
    """The features ``σ(F⁻¹(χ · F a · F θ_j))`` of functions ``a``, for random ``θ_j``."""

    features: int
    activation: str | Callable[[Any], Any]
    grid: Grid
    _rng: np.random.Generator
    _highest: Sequence[int]  # wave numbers of the random functions
    _theta: Any  # their Fourier coefficients
    _filter: Filter

    def _random_functions(self, pairs: Pairs) -> Any:
        """Return the (features, …) Fourier coefficients of real white noise, up to the modes."""
        xp, like = pairs.xp, pairs.inputs
        sizes = tuple(2 * k + 1 for k in self._highest)
        noise = self._rng.standard_normal((self.features, *sizes))
        noise = xp.asarray(noise, dtype=like.dtype, device=like.device)
        return transforms(xp).rfftn(noise, axes=tuple(range(1, noise.ndim)))

    def _normalised(self, pairs: Pairs, chi: Filter) -> Filter:
        """Return the filter with which what goes into the activation has its root mean square."""
        xp = pairs.xp
        plain = replace(chi, unit=1.0)
        some = pairs.inputs[: min(pairs.count, 32), ...]
        g = self._smoothed(some, min(self.features, 32), plain)
        size = float(xp.sqrt(xp.mean(g * g)))
        return replace(chi, unit=chi.gain / size if size else 1.0)

    def _smoothed(self, inputs: Any, count: int, chi: Filter) -> Any:
        """Return ``F⁻¹(χ · F a · F θ_j)`` for inputs (n, …) as an (n, count, …) array."""
        xp, fft = namespace(inputs), transforms(namespace(inputs))
        shape = tuple(inputs.shape[1:])
        wide = self._extended(inputs)
        sizes = tuple(wide.shape[1:])
        axes = tuple(range(1, wide.ndim))
        spectrum = cropped(fft.rfftn(wide, axes=axes, norm="forward"), self._highest)
        spectrum = spectrum * xp.astype(self._damping(chi, inputs), spectrum.dtype)
        products = spectrum[:, None, ...] * self._theta[None, :count, ...]
        whole = padded(products, sizes)
        axes = tuple(range(2, wide.ndim + 1))
        g = fft.irfftn(whole, s=sizes, axes=axes, norm="forward")
        return g[(slice(None), slice(None), *(slice(0, n) for n in shape))]

    def _damping(self, chi: Filter, like: Any) -> Any:
        """Return the filter at the wave numbers, in periods of the box, of the random functions."""
        square = np.zeros(())
        for axis, top in enumerate(self._highest):
            last = axis == len(self._highest) - 1
            k = np.arange(top + 1.0) if last else np.fft.fftfreq(2 * top + 1, 1 / (2 * top + 1))
            if self.grid.kinds[axis] != "periodic":
                k = k / 2  # of the even continuation, which is twice as long
            square = square[..., None] + k**2
        values = chi.unit / (1 + square / chi.cutoff**2) ** _power
        return namespace(like).asarray(values, dtype=like.dtype, device=like.device)

    def _extended(self, a: Any) -> Any:
        """Return functions, continued as even ones along axes that are not periodic."""
        xp = namespace(a)
        for axis, kind in enumerate(self.grid.kinds):
            if kind != "periodic":
                a = xp.concat([a, xp.flip(a, axis=axis + 1)], axis=axis + 1)
        return a

    def _features(self, inputs: Any, count: int) -> Any:
        """Return the (n · points, count) features of inputs."""
        xp = namespace(inputs)
        g = self._smoothed(inputs, count, self._filter)
        if callable(self.activation):
            known = tuple(g.shape)
            g = self.activation(g)
            if tuple(getattr(g, "shape", ())) != known or first_nonfinite(g) is not None:
                raise ValueError(
                    "activation returned another shape than that of its argument, a NaN or Inf: "
                    "pass a function that takes arrays of numbers entry by entry"
                )
        elif self.activation == "tanh":
            g = xp.tanh(g)
        else:
            g = xp.where(g > 0, g, xp.expm1(xp.where(g > 0, xp.zeros_like(g), g)))
        return xp.reshape(xp.moveaxis(g, 1, -1), (-1, count))

    def _pieces(self, n: int, count: int, points: int) -> Iterator[slice]:
        """Yield samples whose features are made together."""
        step = max(_at_once // (count * points), 1)
        for start in range(0, n, step):
            yield slice(start, min(start + step, n))
