"""Conditioning of tensor-product features on blocks of data, without a row per grid point.

Every axis is projected onto the range of its matrices, which loses nothing of the data that the
features can reach. What is left has the size of the ranks.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import device, is_numpy, namespace, on_host
from structlin.solvers.gp_pde._data.blocks import Block, along, along_some, kron, sum_of
from structlin.solvers.gp_pde._posteriors.factor import Root, inverse_root

# unknowns whose stack of equations is decomposed by singular values, in about a second; chosen by
# trial
most_decomposed = 500
# directions of a range below this part of the largest hold rounding errors only
negligible = 1e-15
# of the refinement, and where it stops: the gradient relative to that at zero; chosen by trial
most_iterations, rtol = 300, 1e-10


@dataclass(frozen=True, eq=False)
class Conditioned:
    """The posterior of the weights of tensor-product features.

    Attributes
    ----------
    weights : (r_1, …, r_d) array
        The posterior mean.
    root : callable
        Takes a range of columns ``(start, stop)`` and gives these columns of a square root of the
        posterior covariance, an array (r_1, …, r_d, stop − start).
    log_evidence : float
        The log density of the data; NaN where it has not been computed.
    residual : float
        The norm of what the equations leave of the data, relative to the data, each in units of
        its standard deviation.
    block_residuals : dict of str to float
        The largest misfit of every block, in units of its standard deviation.
    jitter : float
        What was added to the diagonal of the scaled normal matrix, in a preconditioner and in the
        covariance; the mean has none of it.
    columns : int
        How many columns the root has.
    halved : callable, optional
        Takes an array (R, n) and gives the adjoint of the root times it, without the root.
    iterations : int
    converged : bool
    predicted : float
        The residual of nodes that are left out in turn, relative to the data; 0 where it has not
        been computed.
    """

    weights: Any
    root: Callable[[int, int], Any]
    log_evidence: float
    residual: float
    block_residuals: dict[str, float]
    jitter: float = 0.0
    columns: int = 0
    halved: Callable[[Any], Any] | None = None
    iterations: int = 0
    converged: bool = True
    predicted: float = 0.0

    def variance_at(self, matrices: Sequence[Any]) -> Any:
        """Return the posterior variance on the tensor grid of the rows of a matrix per axis.

        A sum of squares over the columns of the root, hence never negative; O(R (N₁ r₁ + N)) per
        axis for R unknowns and N points.
        """
        xp = namespace(self.weights)
        points = math.prod(A.shape[0] for A in matrices)
        if self.halved is not None and points < self.columns:
            halves = self.halved(functools.reduce(kron, matrices).T)
            return xp.reshape(xp.sum(halves * halves, axis=0), tuple(A.shape[0] for A in matrices))
        step = max(1, 2**24 // max(points, math.prod(self.weights.shape)))
        total: Any = 0.0
        for start in range(0, self.columns, step):
            columns = along(matrices, self.root(start, min(start + step, self.columns)))
            total = total + xp.sum(columns * columns, axis=-1)
        return total

    def sample(self, rng: Any, count: int) -> Any:
        """Return weights drawn from the posterior, an array (count, r_1, …, r_d)."""
        xp, shape = namespace(self.weights), self.weights.shape
        drawn = np.random.default_rng(rng).standard_normal((self.columns, count))
        noise = xp.asarray(drawn.tolist(), dtype=self.weights.dtype, device=device(self.weights))
        if is_numpy(xp):
            noise = drawn.astype(self.weights.dtype)
        moved = xp.zeros((*shape, count), dtype=self.weights.dtype, device=device(self.weights))
        step = max(1, 2**24 // math.prod(shape))
        for start in range(0, self.columns, step):
            stop = min(start + step, self.columns)
            columns = self.root(start, stop)
            moved = moved + xp.tensordot(columns, noise[start:stop, :], axes=((-1,), (0,)))
        return self.weights[None, ...] + xp.moveaxis(moved, -1, 0)


def condition_products(blocks: Sequence[Block], shape: tuple[int, ...]) -> Conditioned:
    """Return the posterior of weights ``Z ~ N(0, I)`` of a shape, given blocks of data."""
    unknowns = math.prod(shape)
    small = [projected(block) for block in blocks]
    solve = _decomposed if unknowns <= most_decomposed else _factorised
    found = solve(small, shape)
    return judged(found, blocks)


def projected(block: Block) -> Block:
    """Return a block projected onto the ranges of its matrices.

    The projection is orthonormal, so that the noise stays white. Data with gaps or with noise that
    differs stay as they are.
    """
    if not block.even:
        return block
    bases = []
    for axis in range(len(block.parts[0])):
        distinct = {id(part[axis]): part[axis] for part in block.parts}
        bases.append(_range(list(distinct.values())))
    if all(Q is None for Q in bases):
        return block
    parts = tuple(
        tuple(A if Q is None else Q.T @ A for Q, A in zip(bases, part, strict=True))
        for part in block.parts
    )
    values = along_some([None if Q is None else Q.T for Q in bases], block.values)
    return dataclasses.replace(block, parts=parts, values=values)


def _range(matrices: list[Any]) -> Any:
    """Return an orthonormal basis of the range of matrices; None where it would not be smaller."""
    xp = namespace(matrices[0])
    scaled = []
    for A in matrices:
        size = xp.max(xp.abs(A))
        scaled.append(A / xp.where(size > 0, size, xp.ones_like(size)))
    stack = xp.concat(scaled, axis=1)
    if stack.shape[0] == 1:
        return None
    U, s, _ = xp.linalg.svd(stack, full_matrices=False)
    sizes = on_host(s)
    rank = max(int(np.sum(sizes > negligible * sizes[0])), 1)
    return None if rank >= stack.shape[0] else xp.asarray(U[:, :rank], copy=True)


def _decomposed(blocks: Sequence[Block], shape: tuple[int, ...]) -> Conditioned:
    """Condition by the singular values of the whole stack of equations."""
    xp = namespace(blocks[0].values)
    rows, data = [], []
    for block in blocks:
        weights = xp.reshape(block.root_weights(), (-1,))
        rows.append(weights[:, None] * block.dense())
        data.append(weights * xp.reshape(block.data(), (-1,)))
    A, y = xp.concat(rows, axis=0), xp.concat(data)
    U, s, Vh = xp.linalg.svd(A, full_matrices=False)
    z = Vh.T @ (s / (s * s + 1) * (U.T @ y))
    shrink = 1 - 1 / xp.sqrt(1 + s * s)
    unknowns = z.shape[0]

    def root(start: int, stop: int) -> Any:
        columns = -(Vh.T * shrink) @ Vh[:, start:stop]
        unit = xp.eye(unknowns, dtype=z.dtype, device=device(z))[:, start:stop]
        return xp.reshape(columns + unit, (*shape, stop - start))

    # complexity alone: the misfit is added where the whole blocks are at hand
    complexity = -0.5 * float(xp.sum(xp.log1p(s * s)))
    return Conditioned(xp.reshape(z, shape), root, complexity, 0.0, {}, columns=unknowns)


def _factorised(blocks: Sequence[Block], shape: tuple[int, ...]) -> Conditioned:
    """Condition by a Cholesky factor of the normal matrix, and refine by iteration.

    The normal matrix squares the condition number. It is scaled to a unit diagonal, which undoes
    the decay of the features, and its factor preconditions conjugate gradients on the least squares
    problem itself: few steps, one as a rule.
    """
    xp = namespace(blocks[0].values)
    unknowns = math.prod(shape)
    M = normal_matrix(blocks)
    M = M + xp.eye(unknowns, dtype=M.dtype, device=device(M))
    K = inverse_root(M, blocks, shape)
    z, iterations, converged = _refined(blocks, shape, K)

    def root(start: int, stop: int) -> Any:
        unit = xp.zeros((K.columns, stop - start), dtype=M.dtype, device=device(M))
        unit[start:stop, :] = xp.eye(stop - start, dtype=M.dtype, device=device(M))
        return xp.reshape(K.forward(unit), (*shape, stop - start))

    complexity = -0.5 * K.log_determinant
    return Conditioned(
        z, root, complexity, 0.0, {}, K.jitter, K.columns, K.adjoint, iterations, converged
    )


def normal_matrix(blocks: Sequence[Block]) -> Any:
    """Return ``Σ AᵀWA`` over blocks, of a row per unknown, W the inverse variances."""
    xp = namespace(blocks[0].values)
    grams: list[list[Any]] = []
    others: list[Any] = []
    for block in blocks:
        if block.scattered:
            others.append(_scattered_gram(block))
        elif block.even:
            for one, two in itertools.product(block.parts, repeat=2):
                made = [A.T @ B for A, B in zip(one, two, strict=True)]
                grams.append([made[0] / block.sd**2, *made[1:]])
        else:
            weights = block.root_weights() ** 2
            others += [
                _weighted_gram(xp, one, two, weights)
                for one, two in itertools.product(block.parts, repeat=2)
            ]
    if grams:
        others.append(_sum_of_kroneckers(grams))
    return sum_of(others)


def _sum_of_kroneckers(products: Sequence[Sequence[Any]]) -> Any:
    """Return the sum of Kronecker products of square matrices.

    With the entries of every matrix in a row it is a matrix product, and the unknowns have to
    change places only once [1]_.

    References
    ----------
    .. [1] C. F. Van Loan and N. Pitsianis, "Approximation with Kronecker products", in Linear
       Algebra for Large Scale and Real-Time Applications, 1993.
    """
    xp, d = namespace(products[0][0]), len(products[0])
    rows = [xp.stack([xp.reshape(one[j], (-1,)) for one in products]) for j in range(d)]
    tail = rows[-1]
    for head in reversed(rows[1:-1]):
        tail = xp.reshape(head[:, :, None] * tail[:, None, :], (len(products), -1))
    sizes = [A.shape[0] for A in products[0]]
    split = xp.reshape(rows[0].T @ tail, tuple(r for r in sizes for _ in range(2)))
    order = tuple(range(0, 2 * d, 2)) + tuple(range(1, 2 * d, 2))
    unknowns = math.prod(sizes)
    return xp.reshape(xp.permute_dims(split, order), (unknowns, unknowns))


def _scattered_gram(block: Block) -> Any:
    """Return the normal matrix of scattered points, some of them at a time."""
    unknowns = math.prod(A.shape[1] for A in block.parts[0])
    step = max(1, 2**24 // unknowns)
    weights, total = block.root_weights(), 0.0
    count = block.values.shape[0]
    for start in range(0, count, step):
        here = slice(start, min(start + step, count))
        parts = tuple(tuple(A[here, :] for A in part) for part in block.parts)
        some = dataclasses.replace(block, parts=parts, values=block.values[here])
        A = weights[here][:, None] * some.dense()
        total = total + A.T @ A
    return total


def _weighted_gram(xp: Any, one: Sequence[Any], two: Sequence[Any], weights: Any) -> Any:
    """Return ``(⊗ A_j)ᵀ diag(w) (⊗ B_j)``: per axis the weights meet products of two columns."""
    sizes = []
    for A, B in zip(one, two, strict=True):
        pairs = xp.reshape(A[:, :, None] * B[:, None, :], (A.shape[0], -1))
        weights = xp.tensordot(weights, pairs, axes=((0,), (0,)))  # its axes move round
        sizes.append((A.shape[1], B.shape[1]))
    d = len(sizes)
    split = xp.reshape(weights, tuple(n for pair in sizes for n in pair))
    order = tuple(range(0, 2 * d, 2)) + tuple(range(1, 2 * d, 2))
    rows = math.prod(n for n, _ in sizes)
    return xp.reshape(xp.permute_dims(split, order), (rows, -1))


def _refined(blocks: Sequence[Block], shape: tuple[int, ...], K: Root) -> tuple[Any, int, bool]:
    """Minimise ``‖W(A z − y)‖² + ‖z‖²`` by conjugate gradients in ``p``, ``z = K p``."""
    xp = namespace(blocks[0].values)
    weights = [block.root_weights() if not block.even else 1 / block.sd for block in blocks]
    rest = [w * block.data() for w, block in zip(weights, blocks, strict=True)]

    def slope(parts: Sequence[Any], z: Any) -> Any:
        g = sum_of(b.adjoint(w * r) for b, w, r in zip(blocks, weights, parts, strict=True))
        return K.adjoint(xp.reshape(g - z, (-1,)))

    z = xp.zeros(shape, dtype=rest[0].dtype, device=device(rest[0]))
    g = slope(rest, z)
    p, size = g, float(xp.sum(g * g))
    start = size
    best, since = size, 0
    if start == 0:
        return z, 0, True
    for count in range(1, most_iterations + 1):
        step = xp.reshape(K.forward(p), shape)
        moved = [w * b.apply(step) for w, b in zip(weights, blocks, strict=True)]
        curvature = sum(float(xp.sum(m * m)) for m in moved) + float(xp.sum(step * step))
        alpha = size / curvature
        z = z + alpha * step
        rest = [r - alpha * m for r, m in zip(rest, moved, strict=True)]
        g = slope(rest, z)
        before, size = size, float(xp.sum(g * g))
        if size <= rtol**2 * start:
            return z, count, True
        since = 0 if size < 0.5 * best else since + 1
        best = min(best, size)
        if since > 40:
            break
        p = g + size / before * p
    return z, count, False


def judged(found: Conditioned, blocks: Sequence[Block]) -> Conditioned:
    """Return the posterior with its misfit and log evidence, taken on the whole blocks."""
    xp = namespace(found.weights)
    misfit, total, misfits = 0.0, 0.0, {}
    normaliser = 0.0
    for block in blocks:
        w = block.root_weights()
        rest = w * (block.data() - block.apply(found.weights))
        misfit += float(xp.sum(rest * rest))
        total += float(xp.sum((w * block.data()) ** 2))
        misfits[block.name] = float(xp.max(xp.abs(rest)))
        known = xp.where(w > 0, w, xp.ones_like(w))
        normaliser += float(xp.sum(xp.log(known))) - 0.5 * block.count * math.log(2 * math.pi)
    prior = float(xp.sum(found.weights**2))
    evidence = found.log_evidence - 0.5 * (misfit + prior) + normaliser
    residual = math.sqrt(misfit / total) if total > 0 else 0.0
    return dataclasses.replace(
        found, log_evidence=evidence, residual=residual, block_residuals=misfits
    )
