"""The covariance matrix of the points of a lattice or a digital net, by its spectrum."""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import Any

from structlin._backend import device, namespace
from structlin.solvers.lattice._product_kernel import ProductKernel
from structlin.solvers.lattice.digital_net import DigitalNet
from structlin.solvers.lattice.digitally_shift_invariant import DigitallyShiftInvariant
from structlin.solvers.lattice.lattice import Lattice
from structlin.solvers.lattice.shift_invariant import ShiftInvariant

Points = Lattice | DigitalNet

_fitting: dict[type, type] = {ShiftInvariant: Lattice, DigitallyShiftInvariant: DigitalNet}

# Rounding errors of the smaller half of the eigenvalues, in units of eps ‖column‖ log₂ n: by trial
# up to n = 2¹⁸ they stay below half of this. Larger ones have errors of a few eps of their own.
_rounding = 10.0


def require_fitting(kernel: Any, points: Any) -> None:
    """Raise unless the points make the matrix of the kernel diagonal in their transform."""
    wanted = _fitting.get(type(kernel))
    if wanted is None:
        raise TypeError(
            f"kernel is a {type(kernel).__name__}: pass ShiftInvariant or DigitallyShiftInvariant"
        )
    if not isinstance(points, wanted):
        raise TypeError(
            f"{type(kernel).__name__} kernels need points of a {wanted.__name__}, "
            f"but points is a {type(points).__name__}"
        )


class Gram:
    """``K + noise I``: products, solutions and determinants in ``O(n log n)``.

    ``values`` are the eigenvalues of ``K`` as computed, those below zero set to zero; rounding
    errors put them there. ``clipped`` is how many those are, ``rounding`` about how large errors of
    small eigenvalues can be. ``excess`` is ``n`` times the squared worst-case error of the mean of
    values, plus what rounding errors may have taken from it.
    """

    def __init__(self, kernel: ProductKernel, noise: float, points: Points, like: Any) -> None:
        xp = namespace(like)
        peak = kernel.peak_excess(points.dimension)
        if not math.isfinite(max(peak, kernel.scale) * max(peak, 1.0) * points.n):
            raise ValueError(
                f"the kernel overflows: its variance is {1 + peak:.3g} times the scale, "
                f"{kernel.scale:.3g}; lower weights or scale"
            )
        self.kernel, self.noise, self.points = kernel, noise, points
        self.spectrum, self.device = points.spectrum, device(like)
        self.like = xp.zeros(1, dtype=xp.float64, device=self.device)
        excess = kernel.column(points, self.like)
        n, scale = points.n, kernel.scale
        # of the matrix less the constant, which is an eigenvector: no digits are lost to it
        raw = self.spectrum.eigenvalues(excess)[:, 0]
        size = float(xp.linalg.vector_norm(excess))
        eps = float(xp.finfo(xp.float64).eps)
        errors = _rounding * eps * size * max(math.log2(n), 1.0)
        self.rounding = scale * errors
        # constants of the kernel are rounded, which moves the means of all factors
        moved = eps * n * kernel.peak() * sum(kernel.weights_of(points.dimension))
        self.excess = max(float(raw[0]), 0.0) + errors + moved
        first = xp.astype(xp.arange(raw.shape[0], device=self.device) == 0, xp.float64)
        computed = scale * (raw + n * first)
        self.smallest, self.largest = float(xp.min(computed)), float(xp.max(computed))
        self.multiplicities = self.spectrum.multiplicities(self.like)
        negative = xp.astype(computed <= 0, xp.float64)
        self.clipped = int(xp.sum(negative * self.multiplicities))
        self.values = xp.where(computed > 0, computed, 0.0)
        if self.smallest < -1e-10 * self.largest:
            raise ValueError(
                f"the kernel is indefinite on these points: an eigenvalue is {self.smallest:.3g}, "
                f"the largest {self.largest:.3g}"
            )

    @property
    def xp(self) -> ModuleType:
        """The array library; modules are not kept, as they cannot be pickled."""
        return namespace(self.values)

    def require_regular(self) -> None:
        """Raise ``ValueError`` if there is no noise, and an eigenvalue was set to zero."""
        if self.noise == 0 and self.clipped:
            raise ValueError(
                f"{self.clipped} of {self.points.n} eigenvalues of the covariance matrix are zero "
                f"or below in double precision (the smallest is {self.smallest:.3g}), so that "
                f"values cannot be interpolated: pass noise of {self.rounding:.1g} or more"
            )

    @property
    def constant(self) -> float:
        """The eigenvalue of ``K + noise I`` whose eigenvector is constant."""
        return self.kernel.scale * (self.points.n + self.excess) + self.noise

    @property
    def constant_variance(self) -> float:
        """The posterior variance of the integral: ``scale − scale² n / constant``."""
        scale = self.kernel.scale
        # in this order, as squares of scales may overflow
        return scale * ((scale * self.excess + self.noise) / self.constant)

    @functools.cached_property
    def shifted(self) -> Any:
        """The eigenvalues of ``K + noise I``."""
        return self.values + self.noise

    @functools.cached_property
    def inverse(self) -> Any:
        """Their reciprocals."""
        return 1.0 / self.shifted

    @functools.cached_property
    def log_determinant(self) -> float:
        """The logarithm of the determinant of ``K + noise I``."""
        return float(self.xp.sum(self.multiplicities * self.xp.log(self.shifted)))

    def product(self, B: Any) -> Any:
        """Return ``(K + noise I) B`` for (n, k) columns in natural order."""
        return self.spectrum.filtered(B, self.shifted)

    def solution(self, B: Any) -> Any:
        """Return ``(K + noise I)⁻¹ B`` for (n, k) columns in natural order."""
        return self.spectrum.filtered(B, self.inverse)

    def quadratic(self, B: Any) -> Any:
        """Return ``bᵀ (K + noise I)⁻¹ b`` for every column, as (k,) array."""
        weights = self.multiplicities / self.shifted
        return self.xp.sum(self.spectrum.power(B) * weights[:, None], axis=0)

    def slopes(self) -> Any:
        """Return the derivatives of the eigenvalues by ``theta`` and the logarithm of the noise.

        Returns
        -------
        (length of `values`, p + 1) array
        """
        made = self.spectrum.eigenvalues(self.kernel.gradients(self.points, self.like))
        noise = self.xp.full((made.shape[0], 1), self.noise, dtype=made.dtype, device=self.device)
        return self.xp.concat((made, self.values[:, None], noise), axis=1)
