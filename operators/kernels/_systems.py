"""Systems of kernel equations: every sample a centre, or landmarks chosen among many samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin._errors import ConvergenceError
from structlin.operators.kernels._blocks import (
    Factored,
    at_element,
    blocked,
    cholesky,
    factor,
    inverse_lower,
    projected,
    shifted_diagonal,
    solve_lower,
    solve_upper,
)
from structlin.operators.kernels._functions import kernels, squared_distances
from structlin.operators.kernels._groups import Group

# entries of a kernel matrix that are made at a time
_chunk = 1 << 22
# landmarks drawn at a time
_draw = 64


@dataclass
class Metric:
    """The kernel of a name as a function of two sets of features."""

    name: str
    scale: float

    def gram(self, A: Any, B: Any) -> Any:
        """Return the (n, m) kernel of rows of features, made by blocks of rows."""
        xp = namespace(A, B)
        n, m = A.shape[0], B.shape[0]
        rows, function = max(_chunk // max(m, 1), 1), kernels[self.name]
        if n <= rows:
            return function(squared_distances(A, B) / self.scale**2)
        K = xp.empty((n, m), dtype=A.dtype, device=A.device)
        for start in range(0, n, rows):
            stop = min(start + rows, n)
            part = squared_distances(A[start:stop, :], B) / self.scale**2
            K[start:stop, :] = function(part)
        return K


class Direct:
    """All samples are centres: one Cholesky factor for every block.

    Attributes
    ----------
    centres : list of (n, r) array
        The features of the centres, for every element of the group.
    weights : (n, m) array
        What the outputs at the samples themselves are multiplied by.
    residuals : (n, m) array
        The errors at samples that were left out with all their images.
    variances : (n,) array
        The variance of samples that were left out, the nugget included.
    ordinary : (n,) array or None
        One for samples that are as new ones are when left out; None if all of them are. A landmark
        stays one when its sample is left out, and its variance is too small then.
    nugget : float
        The one that was used: larger than asked for where the matrix was not positive definite.
    """

    method = "direct"
    ordinary: Any = None

    def __init__(
        self, metric: Metric, group: Group, features: Sequence[Any], nugget: float
    ) -> None:
        self.metric, self.group, self.nugget = metric, group, nugget
        self.centres = list(features)

    def fit(self, images: Sequence[Any]) -> list[Any]:
        """Solve for the outputs and their images, (n, m) each; return the weights of all blocks."""
        columns = images[0].shape[1]
        while (factored := self._factored(images)) is None:
            self.nugget = raised(self.nugget)
        self.lowers = [block.lower for block in factored]
        weights = [block.weights for block in factored]
        self.weights = at_element(weights, self.group, columns)
        left = [_stacked(block.residuals()) for block in factored]
        self.residuals = at_element(left, self.group, columns)
        self.variances = _variances([block.left_out for block in factored], self.group)
        return weights

    def _factored(self, images: Sequence[Any]) -> list[Factored] | None:
        """Return all blocks, None if one of them is not positive definite."""
        found = []
        grams = [self.metric.gram(self.centres[0], Z) for Z in self.centres]
        for irreducible in self.group.irreducibles:
            Y = projected(images, irreducible)
            d = irreducible.matrices.shape[1]
            block = factor(blocked(grams, irreducible), Y, self.nugget, d)
            if block is None:
                return None
            found.append(block)
        return found

    def variance(self, kernels: Sequence[Any]) -> Any:
        """Return the (n,) posterior variance with the nugget, from kernels with the images."""
        return _posterior(self.lowers, kernels, self.group) + self.nugget


class Landmarks(Direct):
    """Some samples are centres, and all are fitted by regularised least squares.

    With ``C = K[J, J] = L Lᵀ`` of the landmarks and ``Φ = K[:, J] L⁻ᵀ``, the weights are
    ``L⁻ᵀ (ΦᵀΦ + g I)⁻¹ Φᵀ Y``, in every block of the group.
    """

    def __init__(
        self,
        metric: Metric,
        group: Group,
        features: Sequence[Any],
        nugget: float,
        count: int,
        rng: np.random.Generator,
    ) -> None:
        xp = namespace(features[0])
        chosen = _randomly_pivoted(metric, features[0], count, rng)
        self.method = f"{len(chosen)} landmarks"
        places = xp.asarray(chosen, device=features[0].device)
        ordinary = np.ones(features[0].shape[0])
        ordinary[chosen] = 0.0
        if ordinary.any():
            self.ordinary = xp.asarray(ordinary, device=features[0].device)
        super().__init__(metric, group, [xp.take(Z, places, axis=0) for Z in features], nugget)
        self.samples = features[0]

    def fit(self, images: Sequence[Any]) -> list[Any]:
        """Solve for the outputs and their images, (n, m) each; return the weights of all blocks."""
        xp = namespace(images[0])
        n, columns = images[0].shape
        small = [self.metric.gram(self.centres[0], Z) for Z in self.centres]
        tall = [self.metric.gram(self.samples, Z) for Z in self.centres]
        self.lowers, self.inner, weights, left, kept, seen = [], [], [], [], [], []
        for irreducible in self.group.irreducibles:
            d = irreducible.matrices.shape[1]
            Y = projected(images, irreducible)
            jitter = 1e-15 * len(small) * small[0].shape[0]
            while (L := cholesky(_copied_with(blocked(small, irreducible), jitter))) is None:
                jitter = raised(jitter)
            phi = xp.matrix_transpose(
                solve_lower(L, xp.matrix_transpose(blocked(tall, irreducible)))
            )
            squares = xp.matmul(xp.matrix_transpose(phi), phi)
            while (R := cholesky(_copied_with(squares, self.nugget))) is None:
                self.nugget = raised(self.nugget)
            gamma = solve_upper(R, solve_lower(R, xp.matmul(xp.matrix_transpose(phi), Y)))
            weights.append(solve_upper(L, gamma))
            rest = Y - xp.matmul(phi, gamma)
            half = xp.matmul(phi, xp.matrix_transpose(inverse_lower(R)))
            hat = _diagonal_blocks(half, n, d)
            one = xp.eye(d, dtype=hat.dtype, device=hat.device)
            inverse = xp.linalg.inv(one - hat)
            cut = xp.permute_dims(xp.reshape(rest, (d, n, -1)), (1, 0, 2))
            left.append(_stacked(xp.matmul(inverse, cut)))
            kept.append(self.nugget * inverse)
            seen.append(_diagonal_blocks(phi, n, d))
            self.lowers.append(L)
            self.inner.append(R)
        self.weights = at_element(weights, self.group, columns)
        self.residuals = at_element(left, self.group, columns)
        missed = 1.0 - _variances(seen, self.group)
        missed = xp.where(missed > 0, missed, xp.zeros_like(missed))
        self.variances = _variances(kept, self.group) + missed
        return weights

    def variance(self, kernels: Sequence[Any]) -> Any:
        """Return the (n,) posterior variance with the nugget, from kernels with the images."""
        missed = _posterior(self.lowers, kernels, self.group)
        inside = 0.0
        for L, R, b in zip(self.lowers, self.inner, _sections(kernels, self.group), strict=True):
            inside = inside + _summed(solve_lower(R, solve_lower(L, b)), kernels[0].shape[0])
        return missed + self.nugget * (1 + inside)


def raised(nugget: float) -> float:
    """Return a nugget ten times as large, or give up."""
    if nugget > 1e-2:
        raise ConvergenceError(
            "the kernel matrix is not positive definite even with a nugget of "
            f"{nugget:g}: the metric or the features are not invariant under the symmetry"
        )
    return 10 * max(nugget, 1e-15)


def _copied_with(A: Any, nugget: float) -> Any:
    return shifted_diagonal(namespace(A).asarray(A, copy=True), nugget)


def _stacked(values: Any) -> Any:
    """Return (n, d, c) values with components major, (d n, c)."""
    xp = namespace(values)
    n, d, c = values.shape
    return xp.reshape(xp.permute_dims(values, (1, 0, 2)), (d * n, c))


def _diagonal_blocks(half: Any, n: int, d: int) -> Any:
    """Return the (n, d, d) diagonal blocks of ``F Fᵀ``, with components of ``F`` major."""
    xp = namespace(half)
    parts = [half[a * n : (a + 1) * n, :] for a in range(d)]
    rows = [xp.stack([xp.sum(x * y, axis=1) for y in parts], axis=1) for x in parts]
    return xp.stack(rows, axis=1)


def _variances(blocks: Sequence[Any], group: Group) -> Any:
    """Return the (n,) variances of the samples themselves, from (n, d, d) blocks."""
    total: Any = 0.0
    for block, irreducible in zip(blocks, group.irreducibles, strict=True):
        shares = np.einsum("ka,kb->ab", irreducible.bases[:, 0], irreducible.bases[:, 0])
        for a, row in enumerate(shares):
            for b, share in enumerate(row):
                total = total + float(share) * block[:, a, b]
    return total


def _sections(kernels: Sequence[Any], group: Group) -> list[Any]:
    """Return for every block the (d c, copies·n) kernels of new inputs with its centres."""
    xp = namespace(kernels[0])
    return [projected([xp.matrix_transpose(k) for k in kernels], w) for w in group.irreducibles]


def _summed(values: Any, n: int) -> Any:
    """Return the (n,) sums of the squares of columns, over all copies."""
    xp = namespace(values)
    squares = xp.sum(values * values, axis=0)
    copies = squares.shape[0] // max(n, 1)
    return xp.sum(xp.reshape(squares, (copies, n)), axis=0)


def _posterior(lowers: Sequence[Any], kernels: Sequence[Any], group: Group) -> Any:
    xp = namespace(kernels[0])
    n = kernels[0].shape[0]
    known = sum(
        _summed(solve_lower(L, b), n)
        for L, b in zip(lowers, _sections(kernels, group), strict=True)
    )
    left = 1.0 - known
    return xp.where(left > 0, left, xp.zeros_like(left))


def _randomly_pivoted(metric: Metric, Z: Any, count: int, rng: np.random.Generator) -> Any:
    """Return the places of landmarks, drawn in proportion to the variance not yet explained."""
    xp, n = namespace(Z), Z.shape[0]
    left = np.ones(n)
    chosen: list[int] = []
    F = xp.zeros((n, 0), dtype=Z.dtype, device=Z.device)
    while len(chosen) < count and left.sum() > 1e-13 * n:
        size = min(_draw, count - len(chosen), int(np.count_nonzero(left)))
        new = np.sort(rng.choice(n, size, replace=False, p=left / left.sum()))
        places = xp.asarray(new, device=Z.device)
        columns = metric.gram(Z, xp.take(Z, places, axis=0))
        columns = columns - xp.matmul(F, xp.matrix_transpose(xp.take(F, places, axis=0)))
        core = xp.take(columns, places, axis=0)
        L = cholesky(_copied_with((core + xp.matrix_transpose(core)) / 2, 1e-13 * math.sqrt(n)))
        if L is None:
            break
        part = xp.matrix_transpose(solve_lower(L, xp.matrix_transpose(columns)))
        F = xp.concat((F, part), axis=1)
        gone = xp.sum(part * part, axis=1)
        left = np.maximum(left - on_host(gone), 0.0)
        chosen.extend(new.tolist())
        left[chosen] = 0.0
    return np.asarray(chosen)
