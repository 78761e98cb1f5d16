"""Kernel matrices as blocks of a symmetry group: factors, weights, and what leaving out tells.

With the group ``G`` and the matrices ``K_f[i, j] = k(u_i, f u_j)``, the matrix of all samples and
their images is ``Σ_f K_f ⊗ P_f`` with the permutations ``P_f`` of the regular representation. A
block ``A = Σ_f K_f ⊗ D(f) + g I`` stands for every irreducible representation ``D``. Leaving out
sample ``i`` with all its images, the residual is ``S_i α_i`` with ``S_i = ((A⁻¹)_ii)⁻¹``, where
``(A⁻¹)_ii`` is the ``d × d`` diagonal block of the sample and ``α = A⁻¹ Y``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import is_numpy, namespace, scipy_of
from structlin.operators.kernels._groups import Group, Irreducible


@dataclass
class Factored:
    """A block, factored.

    Attributes
    ----------
    lower : (d n, d n) array
        Cholesky's factor of ``A``; component ``a`` of sample ``i`` is row ``a n + i``.
    weights : (d n, columns) array
        ``α = A⁻¹ Y``.
    left_out : (n, d, d) array
        ``S_i``: the variance of a sample given all others.
    """

    lower: Any
    weights: Any
    left_out: Any

    def residuals(self) -> Any:
        """Return the (n, d, columns) errors at samples that were left out."""
        xp = namespace(self.weights)
        n, d, _ = self.left_out.shape
        alpha = xp.reshape(self.weights, (d, n, -1))
        return xp.matmul(self.left_out, xp.permute_dims(alpha, (1, 0, 2)))


def blocked(grams: Sequence[Any], irreducible: Irreducible) -> Any:
    """Return ``Σ_f K_f ⊗ D(f)``, components major, in fresh memory unless the group is trivial."""
    D = irreducible.matrices
    if len(grams) == 1:
        return grams[0]
    d = D.shape[1]
    xp = namespace(grams[0])
    rows = []
    for a in range(d):
        row = []
        for b in range(d):
            total = grams[0] * float(D[0, a, b])
            for K, entry in zip(grams[1:], D[1:, a, b], strict=True):
                if abs(entry) > 1e-12:  # a rounded zero
                    total += float(entry) * K
            row.append(total)
        rows.append(row[0] if d == 1 else xp.concat(row, axis=1))
    return rows[0] if d == 1 else xp.concat(rows, axis=0)


def projected(images: Sequence[Any], irreducible: Irreducible) -> Any:
    """Return the (d n, copies·c) part of (n, c) rows for every element that a block sees.

    Columns of one copy of the representation stand together.
    """
    xp = namespace(images[0])
    if len(images) == 1:
        return images[0]
    copies, _, d = irreducible.bases.shape
    rows = []
    for a in range(d):
        parts = []
        for copy in range(copies):
            column = irreducible.bases[copy, :, a]
            parts.append(sum(float(w) * y for w, y in zip(column, images, strict=True)))
        rows.append(xp.concat(parts, axis=1))
    return xp.concat(rows, axis=0)


def at_element(blocks: Sequence[Any], group: Group, columns: int, element: int = 0) -> Any:
    """Return the (n, c) rows of the images of samples under an element, from those of all blocks.

    By default those of the samples themselves.
    """
    if group.order == 1:
        return blocks[0]
    total = None
    for values, irreducible in zip(blocks, group.irreducibles, strict=True):
        copies, _, d = irreducible.bases.shape
        n = values.shape[0] // d
        for a in range(d):
            for copy in range(copies):
                part = values[a * n : (a + 1) * n, copy * columns : (copy + 1) * columns]
                part = part * float(irreducible.bases[copy, element, a])
                if total is None:
                    total = part
                else:
                    total += part
    return total


def factor(A: Any, Y: Any, nugget: float, dimension: int) -> Factored | None:
    """Return the factored block ``A + nugget I``, None if it is not positive definite.

    ``A`` is overwritten where the array library allows it.
    """
    xp = namespace(A, Y)
    lower = cholesky(shifted_diagonal(A, nugget))
    if lower is None:
        return None
    weights = solve_upper(lower, solve_lower(lower, Y))
    inverse = inverse_lower(lower)  # A⁻¹ = L⁻ᵀ L⁻¹
    n = A.shape[0] // dimension
    if dimension == 1:
        diagonal = 1 / xp.sum(inverse * inverse, axis=0)
        return Factored(lower, weights, diagonal[:, None, None])
    columns = [inverse[:, a * n : (a + 1) * n] for a in range(dimension)]
    blocks = [[xp.sum(x * y, axis=0) for y in columns] for x in columns]
    middle = xp.stack([xp.stack(row, axis=1) for row in blocks], axis=1)
    return Factored(lower, weights, xp.linalg.inv(middle))


def shifted_diagonal(A: Any, nugget: float) -> Any:
    """Return ``A + nugget I``, in place for NumPy."""
    xp = namespace(A)
    if is_numpy(xp):
        np.einsum("ii->i", A)[...] += nugget
        return A
    return A + nugget * xp.eye(A.shape[0], dtype=A.dtype, device=A.device)


def cholesky(A: Any) -> Any:
    """Return Cholesky's factor, None if a pivot is not positive."""
    xp = namespace(A)
    try:
        if is_numpy(xp):
            linalg = scipy_of(xp, "linalg")
            # of a symmetric matrix in C order; the transpose is in Fortran's, to be overwritten
            return linalg.cholesky(A.T, lower=True, overwrite_a=True, check_finite=False)
        lower = xp.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        return None
    return lower if bool(xp.all(xp.isfinite(lower))) else None  # CuPy's leaves NaN


def solve_lower(lower: Any, B: Any) -> Any:
    """Return ``L⁻¹ B``."""
    xp = namespace(lower)
    if is_numpy(xp):
        linalg = scipy_of(xp, "linalg")
        return linalg.solve_triangular(lower, B, lower=True, check_finite=False)
    return xp.linalg.solve(lower, B)


def solve_upper(lower: Any, B: Any) -> Any:
    """Return ``L⁻ᵀ B``."""
    xp = namespace(lower)
    if is_numpy(xp):
        linalg = scipy_of(xp, "linalg")
        return linalg.solve_triangular(lower, B, lower=True, trans="T", check_finite=False)
    return xp.linalg.solve(xp.matrix_transpose(lower), B)


def inverse_lower(lower: Any) -> Any:
    """Return ``L⁻¹``."""
    xp = namespace(lower)
    if is_numpy(xp):
        return scipy_of(xp, "linalg.lapack").dtrtri(lower, lower=1)[0]
    return xp.linalg.inv(lower)
