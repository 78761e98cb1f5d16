"""Nonlinear least squares for core and factors of a function, by its values at given points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin.matrices._base import adjoint_of, conjugate
from structlin.tensors import _core
from structlin.tensors._arrays.unfoldings import mode_product
from structlin.tensors._blocks import by_blocks

_block_entries = 2**20
_probes = 8
_stiffest = 1e6


@dataclass(frozen=True)
class Fit:
    """A function that fits values.

    Attributes
    ----------
    core, factors : array, list of arrays
        What it is made of; the factors have orthonormal columns.
    residual : float
        Root mean square of what is left of the values.
    stiffness : float
        The weight of the smoothness penalty.
    steps : int
        Steps of the method.
    converged : bool
        Whether it came to rest.
    """

    core: Any
    factors: list[Any]
    residual: float
    stiffness: float
    steps: int
    converged: bool


def rows_of(factors: Sequence[Any], vanders: Sequence[Any], part: slice) -> list[Any]:
    """Return the functions of every axis at some points, (n, r) arrays."""
    xp = namespace(*factors)
    return [
        xp.matmul(xp.astype(V[part, : U.shape[0]], U.dtype), U)
        for U, V in zip(factors, vanders, strict=True)
    ]


def residuals(core: Any, factors: Sequence[Any], vanders: Sequence[Any], values: Any) -> Any:
    """Return values minus those of a function at the same points."""

    def of_block(part: slice) -> Any:
        return values[part] - _core.entries(core, rows_of(factors, vanders, part))

    step = max(_block_entries // math.prod(core.shape), 64)
    return by_blocks(of_block, values.shape[0], step)


def least_squares(
    core: Any,
    factors: Sequence[Any],
    vanders: Sequence[Any],
    values: Any,
    stiffness: float,
    *,
    rest: float,
    most_steps: int,
) -> Fit:
    """Fit values from a start, with a penalty of rough functions that is learned.

    The iteration ends when a step lowers the loss by less than the fraction ``rest``.

    Notes
    -----
    Levenberg and Marquardt's method on ``Σ |value − f|² + ρ Σₖ ‖Dₖ Uₖ Gₖ‖²``, where ``Gₖ`` is the
    core unfolded along axis ``k`` and ``D`` weights degree ``j`` by ``j²``. The weight ``ρ``
    follows the evidence: it is the variance of the noise times the number of parameters that the
    values determine, over the penalty [1]_. After every step the factors are made orthonormal, and
    the slices of the core orthogonal. Then the damping of every parameter in proportion to its
    diagonal entry of ``JᴴJ`` moves functions of small weight as freely as those of large weight. A
    step costs ``O(N p² + p³)`` for ``p`` parameters.

    References
    ----------
    .. [1] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4 (1992).
    .. [2] K. Madsen, H. B. Nielsen and O. Tingleff, "Methods for non-linear least squares
       problems", Technical University of Denmark, 2004.
    """
    xp, count = namespace(values), values.shape[0]
    core, factors = _orthonormal(core, factors)
    energy = float(xp.sum(xp.abs(values) ** 2))
    floor = (4 * float(xp.finfo(values.dtype).eps)) ** 2 * energy
    damping, faster, converged, steps = 1e-3, 2.0, False, 0
    loss = _loss(core, factors, vanders, values, stiffness)
    while steps < most_steps and not converged:
        steps += 1
        normal, gradient, penalty = _normal_equations(core, factors, vanders, values)
        size = normal.shape[0]
        unit = xp.eye(size, dtype=normal.dtype, device=device(normal))
        mean = float(xp.linalg.trace(xp.real(normal))) / size
        widths = xp.real(xp.linalg.diagonal(normal)) + 1e-15 * mean
        regular = normal + stiffness * penalty[0]
        pull = gradient - stiffness * penalty[1]
        for _ in range(8):
            shift = damping * widths
            move = xp.linalg.solve(regular + shift * unit, pull[:, None])[:, 0]
            if bool(xp.all(xp.isfinite(move))):
                tried = _orthonormal(*_moved(core, factors, move))
                there = _loss(*tried, vanders, values, stiffness)
                if there < loss:
                    break
            damping, faster = max(damping * faster, 1e-12), 2 * faster
        else:
            converged = True
            break
        # Nielsen's rule [2]: damp by how well the quadratic model told the gain
        promised = float(xp.real(xp.sum(xp.conj(move) * (pull + shift * move))))
        trust = 2 * (loss - there) / max(promised, 1e-300) - 1
        damping, faster = max(damping * max(1 / 8, 1 - trust**3), 1e-15), 2.0
        gain, loss = loss - there, there
        core, factors = tried
        if gain > 0.1 * loss:
            continue  # what is left is not noise yet
        left = float(xp.sum(xp.abs(residuals(core, factors, vanders, values)) ** 2))
        determined = _determined(normal, regular + 1e-10 * widths * unit)
        determined = min(max(determined, 1.0), 0.9 * count)
        roughness = _roughness(core, factors)
        new = stiffness
        if roughness > 0:
            new = max(left, floor) / (count - determined) * determined / roughness
            new = min(new, _stiffest * count)
        settled = gain <= rest * loss and abs(new - stiffness) <= 0.05 * stiffness
        stiffness = new
        loss = left + stiffness * roughness
        converged = settled or left <= floor
    left = float(xp.sum(xp.abs(residuals(core, factors, vanders, values)) ** 2))
    return Fit(
        core=core,
        factors=factors,
        residual=math.sqrt(left / count),
        stiffness=stiffness,
        steps=steps,
        converged=converged,
    )


def _determined(normal: Any, regular: Any) -> float:
    """Return about the trace of ``regular⁻¹ normal``, from products with random signs."""
    xp, shape = namespace(normal), (normal.shape[0], _probes)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], shape)
    probes = xp.asarray(signs, dtype=normal.dtype, device=device(normal))
    replies = xp.linalg.solve(regular, xp.matmul(normal, probes))
    return float(xp.sum(xp.real(probes * replies))) / _probes


def products(factors: Sequence[Any], vanders: Sequence[Any], values: Any, sweeps: int) -> Any:
    """Fit values by a sum of products of functions, the columns of factors, from a start.

    Alternating least squares: a sweep costs ``O(N Σ (nₖ r)²)``.

    Returns
    -------
    list of (n, r) arrays
        The coefficients; all columns but those of the last axis have norm 1.
    """
    xp, factors = namespace(values), list(factors)
    for _ in range(sweeps):
        for axis, U in enumerate(factors):
            normal: Any = 0.0
            shift: Any = 0.0
            step = max(_block_entries // math.prod(U.shape), 64)
            for start in range(0, values.shape[0], step):
                part = slice(start, min(start + step, values.shape[0]))
                a = xp.ones((1, 1), dtype=U.dtype, device=device(U))
                for k, row in enumerate(rows_of(factors, vanders, part)):
                    a = a if k == axis else a * row
                V = xp.astype(vanders[axis][part, : U.shape[0]], U.dtype)
                J = xp.reshape(V[:, :, None] * a[:, None, :], (V.shape[0], math.prod(U.shape)))
                normal = normal + xp.matmul(adjoint_of(J, xp), J)
                shift = shift + xp.matmul(adjoint_of(J, xp), values[part])
            size = normal.shape[0]
            ridge = 1e-12 * float(xp.linalg.trace(xp.real(normal))) / size + 1e-300
            normal = normal + ridge * xp.eye(size, dtype=normal.dtype, device=device(normal))
            U = xp.reshape(xp.linalg.solve(normal, shift[:, None]), U.shape)
            if axis < len(factors) - 1:
                lengths = xp.linalg.vector_norm(U, axis=0, keepdims=True)
                U = U / xp.where(lengths > 0, lengths, xp.ones_like(lengths))
            factors[axis] = U
    return factors


def _orthonormal(core: Any, factors: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return the same function by orthonormal factors, the slices of its core orthogonal."""
    xp, out = namespace(core), []
    pairs = [xp.linalg.qr(U) for U in factors]
    core = _core.mode_products(core, [R for _, R in pairs])
    for axis, (Q, _) in enumerate(pairs):
        flat = xp.reshape(xp.moveaxis(core, axis, 0), (core.shape[axis], -1))
        R = xp.linalg.qr(adjoint_of(flat, xp))[1]
        W = xp.linalg.svd(adjoint_of(R, xp), full_matrices=True)[0]
        core = mode_product(core, adjoint_of(W, xp), axis)
        out.append(xp.matmul(Q, W))
    return core, out


def _roughness(core: Any, factors: Sequence[Any]) -> float:
    """Return ``Σₖ ‖Dₖ Uₖ Gₖ‖²``."""
    xp, total = namespace(core), 0.0
    for axis, U in enumerate(factors):
        product = mode_product(core, _weighted(U), axis)
        total += float(xp.sum(xp.abs(product) ** 2))
    return total


def _weighted(U: Any) -> Any:
    xp = namespace(U)
    j = xp.arange(U.shape[0], dtype=xp.finfo(U.dtype).dtype, device=device(U))
    return xp.astype((j**2)[:, None], U.dtype) * U


def _loss(
    core: Any, factors: Sequence[Any], vanders: Sequence[Any], values: Any, stiffness: float
) -> float:
    xp = namespace(values)
    left = float(xp.sum(xp.abs(residuals(core, factors, vanders, values)) ** 2))
    return left + stiffness * _roughness(core, factors)


def _normal_equations(
    core: Any, factors: Sequence[Any], vanders: Sequence[Any], values: Any
) -> tuple[Any, Any, tuple[Any, Any]]:
    """Return ``JᴴJ``, ``Jᴴ`` times the residuals, and both for the penalty.

    Parameters are the entries of every factor in C order, and then those of the core.
    """
    xp = namespace(values)
    sizes = [U.shape[0] * U.shape[1] for U in factors]
    total = sum(sizes) + math.prod(core.shape)
    normal = xp.zeros((total, total), dtype=core.dtype, device=device(core))
    gradient = xp.zeros((total,), dtype=core.dtype, device=device(core))
    step = max(_block_entries // total, 64)
    for start in range(0, values.shape[0], step):
        part = slice(start, min(start + step, values.shape[0]))
        rows = rows_of(factors, vanders, part)
        columns = []
        for axis, U in enumerate(factors):
            V = xp.astype(vanders[axis][part, : U.shape[0]], U.dtype)
            others = [row for k, row in enumerate(rows) if k != axis]
            flat = xp.reshape(xp.moveaxis(core, axis, -1), (-1, U.shape[1]))
            a = xp.matmul(_joined(others, V), flat)
            columns.append(_joined([V, a], V))
        every = _joined(rows, rows[0])
        columns.append(every)
        r = values[part] - xp.matmul(every, xp.reshape(core, (-1,)))
        J = xp.concat(columns, axis=1)
        normal += xp.matmul(adjoint_of(J, xp), J)
        gradient += xp.matmul(adjoint_of(J, xp), r)
    penalty, slope, place = xp.zeros_like(normal), xp.zeros_like(gradient), 0
    for axis, (U, size) in enumerate(zip(factors, sizes, strict=True)):
        flat = xp.reshape(xp.moveaxis(core, axis, 0), (U.shape[1], -1))
        gram = conjugate(xp.matmul(flat, adjoint_of(flat, xp)), xp)
        n, m = U.shape
        weights = _weighted(_weighted(xp.eye(n, dtype=U.dtype, device=device(U))))
        both = xp.reshape(weights[:, None, :, None] * gram[None, :, None, :], (size, size))
        penalty[place : place + size, place : place + size] = both
        slope[place : place + size] = xp.matmul(both, xp.reshape(U, (n * m,)))
        place += size
    return normal, gradient, (penalty, slope)


def _joined(rows: Sequence[Any], like: Any) -> Any:
    """Return the products of entries of all rows, the last index running fastest."""
    xp = namespace(like)
    out = xp.ones((like.shape[0], 1), dtype=like.dtype, device=device(like))
    for row in rows:
        out = xp.reshape(out[:, :, None] * row[:, None, :], (out.shape[0], -1))
    return out


def _moved(core: Any, factors: Sequence[Any], move: Any) -> tuple[Any, list[Any]]:
    xp, place, moved = namespace(core), 0, []
    for U in factors:
        size = U.shape[0] * U.shape[1]
        moved.append(U + xp.reshape(move[place : place + size], U.shape))
        place += size
    return core + xp.reshape(move[place:], core.shape), moved
