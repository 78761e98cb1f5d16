"""The kernel that values prefer, and what they then say of the integral."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from structlin._backend import namespace, on_host
from structlin.solvers.lattice._gram import Gram

# between which logarithms the weight is searched
_span = math.log(1e-4), math.log(1e3)


class ProfileLikelihood:
    """The likelihood of kernels, each with the constant and the scale that fit values best."""

    def __init__(self, points: Any, values: Any) -> None:
        self.points, self.values, self.xp = points, values, namespace(values)
        self.mean = on_host(self.xp.mean(values, axis=0))
        # without the constant: its coefficient is the first one
        power = points.spectrum.power(values)
        self.multiplicities = points.spectrum.multiplicities(values)
        self.power = (power * self.multiplicities[:, None])[1:, :]

    def best(self, kernels: Sequence[Any]) -> Any:
        """Return the kernel, and the weight for it, of the greatest likelihood."""
        minimize = importlib.import_module("scipy.optimize").minimize_scalar
        found = []
        for kernel in kernels:
            most = min(_span[1], kernel.log_largest_weight(self.points.dimension))
            run = minimize(
                lambda log, kernel=kernel: self._objective(replace(kernel, weights=math.exp(log))),
                bounds=(_span[0], most),
                method="bounded",
                options={"xatol": 0.1},  # a weight within a tenth changes the width by less
            )
            found.append((float(run.fun), replace(kernel, weights=math.exp(run.x))))
        return min(found, key=lambda pair: pair[0])[1]

    def _objective(self, kernel: Any) -> float:
        """Return minus the log likelihood for the best constant and scale, up to a constant."""
        xp = self.xp
        n, outputs = int(self.points.n), int(self.power.shape[1])
        eigenvalues = self._resolved(self._gram(kernel))
        fit = xp.sum(self.power / eigenvalues[:, None], axis=0)
        tiny = float(xp.finfo(xp.float64).smallest_normal)
        # the constant has taken one of the n degrees of freedom
        spreads = (n - 1) * float(xp.sum(xp.log(fit + tiny)))
        logarithms = float(xp.sum(xp.log(eigenvalues) * self.multiplicities[1:]))
        return 0.5 * (spreads + outputs * logarithms)

    def integral(self, kernel: Any) -> tuple[Any, Any, int]:
        """Return means and standard deviations of the integrals, and clipped eigenvalues."""
        gram, n = self._gram(kernel), self.points.n
        scale = on_host(self.xp.sum(self.power / self._resolved(gram)[:, None], axis=0)) / (n - 1)
        # λ₀ / n − 1
        return self.mean, (scale * (gram.excess / n)) ** 0.5, gram.clipped

    def _gram(self, kernel: Any) -> Gram:
        return Gram(kernel, 0.0, self.points, self.values)

    def _resolved(self, gram: Gram) -> Any:
        """Return the eigenvalues of all but the constant, none below the rounding errors."""
        low = gram.rounding
        return self.xp.where(gram.values > low, gram.values, low)[1:]
