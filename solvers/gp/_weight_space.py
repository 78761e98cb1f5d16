"""Systems with a sum of Kronecker products and a diagonal, among whitened coefficients."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from structlin._backend import namespace, on_host
from structlin.matrices import Kronecker, Triangular, solve
from structlin.solvers.gp._conditioning import along_axes
from structlin.solvers.gp._factors import Factor
from structlin.solvers.gp._near_identity import (
    Preconditioned,
    accepted,
    conjugate_gradients,
)

most_exact = 2048
"""Coefficients up to which the matrix is factorised: fractions of a second, 32 MiB."""

_unnoticed = 1e-4
"""Share of the least noise below which an eigenvalue of about the rounding errors is left out."""

_most_leading = 3072
"""Coefficients at most that the preconditioner couples, found by trial."""

_patience = 20
"""Iterations after which the preconditioner begins to couple coefficients, if these do little."""

_coupled = 1.1
"""Diagonal entries above which coefficients are worth coupling: the data say something of them."""

_most_iterations = 1000


@dataclass(frozen=True, eq=False)
class Roots:
    """A root ``R = ⊗ⱼ matrices[j]`` of a product of covariance matrices, ``R Rᵀ = ⊗ⱼ Kⱼ``.

    Attributes
    ----------
    matrices : list of (n_j, r_j) array
        Without the eigenvectors whose eigenvalues are rounding errors.
    inverses : list of (n_j, r_j) array
        Their pseudoinverses, transposed: ``matricesᵀ inverses = 1``.
    bases : list of (n_j, r_j) array
        The orthonormal columns with ``symmetric root of K · bases = matrices``.
    """

    matrices: list[Any]
    inverses: list[Any]
    bases: list[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many coefficients every axis has."""
        return tuple(int(R.shape[1]) for R in self.matrices)

    @property
    def size(self) -> int:
        """How many coefficients there are."""
        return math.prod(self.shape)


def roots_of(factors: Sequence[Factor], precision: Any, xp: ModuleType) -> Roots:
    """Return roots whose columns a precision that is a product of the axes leaves orthogonal.

    Notes
    -----
    With ``w_j`` the means of the precision ``W`` along the other axes, in units of the mean,
    ``Rⱼᵀ diag(w_j) Rⱼ`` is diagonal. So is then ``Rᵀ W R`` if ``W`` is a product: whole rows or
    slices that are missing, noise that depends on one coordinate. Eigenvalues are left out that are
    as small as rounding errors and a small share of the noise.
    """
    matrices, inverses, bases, d = [], [], [], len(factors)
    mean = xp.mean(precision)
    noise = 1 / (float(xp.max(precision)) * math.prod(f.largest for f in factors))
    for axis, f in enumerate(factors):
        eps = float(xp.finfo(xp.float64).eps)
        least = max(eps, min(eps * f.eigenvalues.shape[0], _unnoticed * noise))
        places = xp.nonzero(f.eigenvalues > least)[0]
        scale = xp.sqrt(xp.take(f.eigenvalues, places, axis=0))
        Q = xp.take(f.vectors, places, axis=1)
        others = tuple(j for j in range(d) if j != axis)
        shares = xp.mean(precision, axis=others) / mean if others else precision / mean
        root = Q * scale
        _, V = xp.linalg.eigh(xp.matmul(xp.matrix_transpose(root), shares[:, None] * root))
        unit = math.sqrt(f.largest)
        matrices.append(xp.matmul(root, V) * unit)
        inverses.append(xp.matmul(Q / scale, V) / unit)
        bases.append(xp.matmul(Q, V))
    return Roots(matrices, inverses, bases)


class WeightSpace:
    """The matrix ``A = 1 + Rᵀ W R`` of the coefficients ``z`` of ``u = R z``, ``z ~ N(0, 1)``.

    ``R = [R_1 R_2 …]`` has the roots of the products side by side, ``W`` is diagonal: one over the
    variance of the noise, zero where there is no value. The posterior of ``z`` has the precision
    ``A`` and the mean ``A⁻¹ Rᵀ W y``.

    Parameters
    ----------
    roots : list of Roots
    precision : (n_1, …, n_d) array
        ``W``.

    Attributes
    ----------
    diagonal : (r,) array
        That of ``A``.
    leading : int
        How many coefficients the preconditioner couples: at first none, or all where they are few.
    alone : (r,) array
        0 for these, and 1 for the others.
    coupled : list of (int, list of (k,) ndarray)
        For every product the indices of these on every axis, on the host.
    inverse : (leading, leading) array
        ``C⁻¹`` of these.

    Notes
    -----
    The preconditioner ``P = C Cᵀ`` is the diagonal of ``A``; that is ``A`` itself where ``W`` is a
    product over the axes. Random gaps leave ``C⁻¹ A C⁻ᵀ`` near the identity where the data
    outnumber the coefficients that they determine. Gaps in one piece do not, since smooth functions
    fit into them. An iteration that does little in 20 steps therefore goes on with a ``P`` that has
    the block of ``A`` of the coefficients with the largest diagonal entries, up to 3072 of them.

    A product with ``A`` costs ``4 N Σ r_j`` operations, or less.
    """

    def __init__(self, roots: list[Roots], precision: Any) -> None:
        self.roots, self.precision = roots, precision
        xp = self.xp
        self.size = sum(R.size for R in roots)
        self._kroneckers = [Kronecker(*R.matrices) for R in roots]
        self._bounds = [0, *np.cumsum([R.size for R in roots]).tolist()]
        flat = []
        for R in roots:
            squares = [xp.matrix_transpose(M**2) for M in R.matrices]
            flat.append(xp.reshape(along_axes(squares, precision[None, ...]), (-1,)))
        self.diagonal = 1 + xp.concat(flat)
        self.leading = 0
        self.coupled: list[tuple[int, list[Any]]] = []
        self.alone = xp.ones_like(self.diagonal)
        self._scale = xp.sqrt(self.diagonal)[:, None]
        if self.size <= most_exact:
            self.couple(self.size)

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return namespace(self.precision)

    # -- products ---------------------------------------------------------------------------------

    def parts(self, Z: Any) -> Iterator[Any]:
        """Give the rows of a block that belong to each product."""
        for start, stop in zip(self._bounds, self._bounds[1:], strict=False):
            yield Z[start:stop, :]

    def forward(self, Z: Any) -> Any:
        """Return ``R Z`` of an (r, k) array."""
        images = [R.matmat(part) for R, part in zip(self._kroneckers, self.parts(Z), strict=True)]
        return functools.reduce(lambda a, b: a + b, images)

    def adjoint(self, X: Any) -> Any:
        """Return ``Rᵀ X`` of an (N, k) array."""
        return self.xp.concat([R.rmatmat(X) for R in self._kroneckers])

    def product(self, Z: Any) -> Any:
        """Return ``A Z``."""
        weights = self.xp.reshape(self.precision, (-1, 1))
        return Z + self.adjoint(weights * self.forward(Z))

    def inward(self, Z: Any) -> Any:
        """Return ``C⁻¹ Z``."""
        if not self.leading:
            return Z / self._scale
        Z = self.xp.take(Z, self._order, axis=0)
        head, tail = Z[: self.leading, :], Z[self.leading :, :]
        return self.xp.concat([self.xp.matmul(self.inverse, head), tail / self._scale])

    def outward(self, Z: Any) -> Any:
        """Return ``C⁻ᵀ Z``."""
        if not self.leading:
            return Z / self._scale
        head, tail = Z[: self.leading, :], Z[self.leading :, :]
        head = self.xp.matmul(self.xp.matrix_transpose(self.inverse), head)
        return self.xp.take(self.xp.concat([head, tail / self._scale]), self._places, axis=0)

    def whitened(self, X: Any) -> Any:
        """Return ``C⁻¹ A C⁻ᵀ X``."""
        return self.inward(self.product(self.outward(X)))

    @property
    def operator(self) -> Preconditioned:
        """The matrix ``1 + B (C⁻¹ A C⁻ᵀ − 1) Bᵀ`` with the orthonormal bases ``B`` of the roots.

        Among coefficients, a random vector would change its meaning with the signs of eigenvectors,
        and an estimate of the determinant would jump. On the grid it does not.
        """
        xp, bases = self.xp, [Kronecker(*R.bases) for R in self.roots]
        points = bases[0].shape[0]
        size = points * len(bases)

        def product(X: Any) -> Any:
            blocks = [X[k * points : (k + 1) * points, :] for k in range(len(bases))]
            Z = xp.concat([B.rmatmat(x) for B, x in zip(bases, blocks, strict=True)])
            if self.leading:
                Z = xp.take(Z, self._order, axis=0)
            change = self.whitened(Z) - Z
            if self.leading:
                change = xp.take(change, self._places, axis=0)
            parts = zip(bases, self.parts(change), strict=True)
            return X + xp.concat([B.matmat(part) for B, part in parts])

        return Preconditioned(product, size, self.diagonal)

    # -- systems ----------------------------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether all coefficients are coupled, so that ``P = A``."""
        return self.leading == self.size

    @property
    def worth_coupling(self) -> int:
        """How many coefficients the preconditioner may couple with profit."""
        wanted = int(self.xp.count_nonzero(self.diagonal > _coupled))
        return min(wanted, _most_leading)

    def solve(self, B: Any) -> tuple[Any, int, float]:
        """Return ``A⁻¹ B`` of an (r, k) array, the iterations and the largest relative residual.

        Residuals are measured in the norm of ``P⁻¹``, nearly that of the error in which the
        posterior measures.
        """
        patience = None if self.leading else _patience
        X, iterations, residual = conjugate_gradients(
            self.whitened, self.inward(B), _most_iterations, patience=patience
        )
        Z = self.outward(X)
        if residual <= accepted or iterations != patience:
            return Z, iterations, residual
        self.couple(self.worth_coupling)
        B = self.inward(B)
        rest = B - self.inward(self.product(Z))
        sizes = self.xp.linalg.vector_norm(B, axis=0)
        X, more, residual = conjugate_gradients(self.whitened, rest, _most_iterations, sizes=sizes)
        return Z + self.outward(X), iterations + more, residual

    @property
    def log_determinant(self) -> float:
        """The logarithm of the determinant of ``P``."""
        total = self.xp.sum(self.xp.log(self._scale))
        if self.leading:
            total = total - self.xp.sum(self.xp.log(self.xp.linalg.diagonal(self.inverse)))
        return 2 * float(total)

    # -- the block of the leading coefficients ----------------------------------------------------

    def couple(self, count: int) -> None:
        """Let the preconditioner couple the coefficients with the largest diagonal entries."""
        if count <= self.leading:
            return
        xp, device = self.xp, self.diagonal.device
        chosen = on_host(xp.argsort(self.diagonal, descending=True, stable=True), int)
        groups = list(self._groups(np.sort(chosen[:count])))
        order = np.concatenate([*(g.places for g in groups), np.sort(chosen[count:])])
        places = np.argsort(order, kind="stable")
        block = self._block(groups)
        block = block + xp.eye(count, dtype=block.dtype, device=device)
        triangle = Triangular(xp.linalg.cholesky(block))
        self.inverse = solve(triangle, xp.eye(count, dtype=block.dtype, device=device))
        self._order = xp.asarray(order, device=device)
        self._places = xp.asarray(places, device=device)
        tail = xp.take(self.diagonal, self._order[count:], axis=0)
        self._scale = xp.sqrt(tail)[:, None]
        self.leading = count
        self.alone = xp.take(xp.concat([0 * self.diagonal[:count], 1 + 0 * tail]), self._places)
        self.coupled = []
        for t, R in enumerate(self.roots):
            own = order[:count]
            own = own[(own >= self._bounds[t]) & (own < self._bounds[t + 1])]
            self.coupled.append((t, list(np.unravel_index(own - self._bounds[t], R.shape))))

    def _groups(self, chosen: Any) -> Iterator[_Group]:
        """Give coefficients of one product that have their index on the first axis in common."""
        for t, R in enumerate(self.roots):
            start, stop = self._bounds[t], self._bounds[t + 1]
            own = chosen[(chosen >= start) & (chosen < stop)]
            indices = np.stack(
                np.unravel_index(own - start, (1, *R.shape) if self._flat else R.shape)
            )
            for first in np.unique(indices[0]):
                here = indices[0] == first
                yield _Group(t, int(first), own[here], indices[1:, here])

    @property
    def _flat(self) -> bool:
        return len(self.roots[0].matrices) == 1

    def _block(self, groups: list[_Group]) -> Any:
        """Return ``Rᵀ W R`` for the coefficients of all groups in a row.

        Entries of two groups are contractions of ``W`` with products of the columns of every axis:
        the first axis gives one number for the pair, and the others a small box of pairs.
        """
        xp = self.xp
        matrices = [R.matrices for R in self.roots]
        weights = self.precision
        if self._flat:
            one = xp.ones((1, 1), dtype=weights.dtype, device=weights.device)
            matrices = [[one, *M] for M in matrices]
            weights = weights[None, ...]
        shape = tuple(weights.shape)
        weights = xp.reshape(weights, (shape[0], -1))
        transposed = xp.matrix_transpose
        rows: list[list[Any]] = []
        for a, G in enumerate(groups):
            left = matrices[G.term]
            # the first axis, for all partners at once
            partners = xp.stack([matrices[H.term][0][:, H.first] for H in groups[a:]], axis=1)
            slices = xp.matmul(transposed(left[0][:, G.first : G.first + 1] * partners), weights)
            row = [transposed(rows[b][a]) for b in range(a)]
            for b, H in enumerate(groups[a:]):
                right = matrices[H.term]
                box = xp.reshape(slices[b, :], (1, *shape[1:]))
                row.append(_contracted(box, left[1:], right[1:], G.indices, H.indices, xp))
            rows.append(row)
        return xp.concat([xp.concat(row, axis=1) for row in rows])


@dataclass(frozen=True, eq=False)
class _Group:
    """Coefficients of one product, the same on the first axis.

    ``indices`` are (d − 1, count), on the other axes; ``places`` are among all coefficients.
    """

    term: int
    first: int
    places: Any
    indices: Any


def _contracted(
    box: Any, left: list[Any], right: list[Any], rows: Any, columns: Any, xp: ModuleType
) -> Any:
    """Return ``Σᵢ box[i] Πⱼ left_j[i_j, row_j] right_j[i_j, column_j]`` for rows and columns."""
    pairs: list[tuple[Any, Any]] = []
    place: Any = 0
    for L, R, own, other in zip(left, right, rows, columns, strict=True):
        a, ia = np.unique(own, return_inverse=True)
        b, ib = np.unique(other, return_inverse=True)
        L = xp.take(L, xp.asarray(a, device=box.device), axis=1)
        R = xp.take(R, xp.asarray(b, device=box.device), axis=1)
        pairs.append((L, R))
        place = (place * len(a) + ia[:, None]) * len(b) + ib[None, :]
    transposed = xp.matrix_transpose
    if len(pairs) == 1:
        ((L, R),) = pairs
        made = xp.matmul(transposed(L) * xp.reshape(box, (1, -1)), R)
    else:
        faces = [xp.reshape(L[:, :, None] * R[:, None, :], (L.shape[0], -1)) for L, R in pairs]
        made = along_axes([transposed(F) for F in faces], box)
    flat = xp.take(
        xp.reshape(made, (-1,)), xp.asarray(place.reshape(-1), device=box.device), axis=0
    )
    return xp.reshape(flat, place.shape)
