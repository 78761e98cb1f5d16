"""Means, variances and sensitivities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace
from structlin.bases import Basis
from structlin.bases._basis import padded
from structlin.tensors import _core
from structlin.tensors._function.representation import Representation


@dataclass(frozen=True, eq=False, kw_only=True)
class SobolIndices:
    """Which part of the variance of a function is due to which of its variables.

    Attributes
    ----------
    variance : float
        The variance of the values, where all variables are uniform and independent.
    main : (d,) array
        The part that one variable has alone: ``Var(E[f | x_k]) / Var f``.
    total : (d,) array
        The part in which a variable is involved: ``1 − Var(E[f | all but x_k]) / Var f``.
    interactions : mapping
        The part of every set of two variables or more, in excess of what subsets of it explain; the
        keys are ascending tuples of axes. The parts of all sets add up to 1.
    """

    variance: float
    main: Any
    total: Any
    interactions: Mapping[tuple[int, ...], float]

    def __repr__(self) -> str:
        parts = (
            f"{name} " + " ".join(f"{float(each[k]):.3g}" for k in range(each.shape[0]))
            for name, each in (("main", self.main), ("total", self.total))
        )
        return f"<SobolIndices: {', '.join(parts)}>"


class Statistics(Representation):
    """Means, variances and sensitivities."""

    def mean(self) -> Any:
        """Return the mean over the box, a scalar of the array library."""
        xp = self.xp
        rows = [_mean(*each)[None, :] for each in zip(self.bases, self.factors, strict=True)]
        value = xp.reshape(_core.formed(_core.mode_products(self.core, rows)), ())
        return value[()] if is_numpy(xp) else value

    def std(self) -> float:
        """Return the root of the variance."""
        parts, unit = self._parts()
        return unit * math.sqrt(_variance(parts))

    def variance(self) -> float:
        """Return the mean of ``|f − mean|²`` over the box."""
        std = self.std()
        return std * std

    def sobol_indices(self, *, order: int = 2) -> SobolIndices:
        """Return which part of the variance is due to which variables.

        Parameters
        ----------
        order : int
            The size of the largest sets of variables whose interaction is computed.

        Returns
        -------
        SobolIndices

        Raises
        ------
        ValueError
            If the function is constant, up to rounding errors, or ``order`` is below 1.

        Notes
        -----
        The function is the sum of one function for every set of variables, orthogonal to each
        other and of mean zero in every variable of the set: the variance of it is the sum of
        theirs. In Tucker form such a variance is a norm of the core times a matrix along every
        axis: the mean along axes outside of the set, the deviations from it along those inside.
        ``O(n³)`` for every axis, and at most ``O(r^d)`` for every set.

        References
        ----------
        .. [1] I. M. Sobol', "Sensitivity estimates for nonlinear mathematical models", Math. Mod.
           Comput. Exp. 1 (1993).

        Examples
        --------
        >>> import numpy as np
        >>> from structlin.tensors import ChebTucker
        >>> f = ChebTucker(np.diag([1.0, 3.0]), [np.eye(2), np.eye(2)])  # 1 + 3xy
        >>> f.sobol_indices().interactions
        {(0, 1): 1.0}
        """
        if order < 1:
            raise ValueError(f"order is {order}: pass 1 or more")
        xp, d = self.xp, self.ndim
        parts, unit = self._parts()
        variance = _variance(parts)
        if not variance > (8 * float(xp.finfo(self.dtype).eps)) ** 2:
            raise ValueError(
                "the function is constant up to rounding errors: there is no variance to explain"
            )

        def share(axes: Sequence[int]) -> float:
            inside = [slice(1, None) if k in axes else 0 for k in range(d)]
            return _square(parts, inside) / variance

        every: slice | int = slice(None)
        total = [
            _square(parts, [slice(1, None) if j == k else every for j in range(d)]) / variance
            for k in range(d)
        ]
        std = unit * math.sqrt(variance)
        sets = (
            axes
            for size in range(2, min(order, d) + 1)
            for axes in itertools.combinations(range(d), size)
        )
        return SobolIndices(
            variance=std * std,
            main=xp.asarray([share((k,)) for k in range(d)], device=self.device),
            total=xp.asarray(total, device=self.device),
            interactions={axes: share(axes) for axes in sets},
        )

    def _parts(self) -> tuple[Any, float]:
        """Return a core whose norm is the root mean square, divided by that, and that.

        Index 0 of every axis is the mean in that variable, and the others are deviations from it.
        """
        xp, rows = self.xp, []
        for basis, U in zip(self.bases, self.factors, strict=True):
            U = padded(U, 1)
            mean, n = _mean(basis, U), U.shape[0]
            deviations = xp.asarray(U, copy=True)
            deviations[0, :] = U[0, :] - mean
            # the first function is the constant 1; in an orthonormal basis, G = L Lᵀ is gone
            L = np.linalg.cholesky(basis.gram(n) / basis.width)
            L = xp.astype(xp.asarray(L, device=self.device), U.dtype)
            _, R = xp.linalg.qr(xp.matmul(xp.matrix_transpose(L), deviations))
            rows.append(xp.concat([mean[None, :], R]))
        core = _core.mode_products(self.core, rows)
        unit = _core.norm(core) or 1.0
        return core / unit, unit


def _mean(basis: Basis, factor: Any) -> Any:
    """Return the means of the functions of one variable."""
    xp = namespace(factor)
    weights = basis.integrals(factor.shape[0], factor) / basis.width
    return xp.matmul(xp.astype(weights, factor.dtype), factor)


def _square(parts: Any, key: Sequence[slice | int]) -> float:
    size: float = _core.norm(parts[tuple(key)])
    return size * size


def _variance(parts: Any) -> float:
    """Return the sum of the squares of all entries but the first."""
    d = parts.ndim
    first = [[*(0,) * k, slice(1, None), *(slice(None),) * (d - k - 1)] for k in range(d)]
    return math.fsum(_square(parts, key) for key in first)
