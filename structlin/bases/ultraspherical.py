"""Vibrations of an interval with fixed ends, in ultraspherical polynomials."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from structlin.bases.chebyshev import Chebyshev


@functools.lru_cache(maxsize=32)
def dirichlet_modes(n: int) -> tuple[Any, Any, Any]:
    """Return the eigenfunctions of ``−u″`` on ``[−1, 1]`` with ``u(±1) = 0`` among polynomials.

    Parameters
    ----------
    n : int
        One more than the degree of the polynomials, 3 or more.

    Returns
    -------
    eigenvalues : (n - 2,) array
        Positive, ascending. Those up to about 2/π of their number are accurate ones of the
        differential equation, the others grow like ``n⁴``.
    modes : (n, n - 2) array
        Chebyshev coefficients of the eigenfunctions, which are orthonormal in ``L²``.
    projection : (n - 2, n) array
        From the Chebyshev coefficients of a function to its inner products with them.

    Notes
    -----
    Galerkin's method. The functions ``φₖ = (Pₖ − Pₖ₊₂)/√(4k + 6)``, multiples of
    ``(1 − x²) Cₖ⁽³ᐟ²⁾(x)`` with ultraspherical polynomials, vanish at both ends, and their
    derivatives are orthonormal Legendre polynomials. In these themselves ``φₖ`` has two
    coefficients, those at ``k`` and ``k + 2``: the singular values ``σ`` and left singular vectors
    of that bidiagonal matrix give ``λ = 1/σ²`` and the eigenfunctions to rounding errors, where the
    eigenvectors of a matrix of second derivatives would lose ``n⁴`` of them. ``O(n³)``. The arrays
    are kept, and read-only.

    References
    ----------
    .. [1] J. Shen, "Efficient spectral-Galerkin method I", SIAM J. Sci. Comput. 15 (1994).
    .. [2] D. Fortunato and A. Townsend, "Fast Poisson solvers for spectral methods", IMA J. Numer.
       Anal. 40 (2020).

    Examples
    --------
    >>> eigenvalues, _, _ = dirichlet_modes(20)
    >>> bool(np.allclose(eigenvalues[:3], (np.arange(1, 4) * np.pi / 2) ** 2, rtol=1e-13))
    True
    """
    if n < 3:
        raise ValueError(f"n is {n}: polynomials that vanish at both ends need 3 or more")
    k = np.arange(n)
    size = np.sqrt(k + 0.5)  # of Pₖ over the orthonormal one, inversely
    vectors, sigma = np.zeros((n, n - 2)), np.empty(n - 2)
    for parity in (0, 1):
        rows = k[parity::2]
        columns = rows[:-1]
        if not len(columns):
            continue
        B = np.zeros((len(rows), len(columns)))
        j = np.arange(len(columns))
        unit = np.sqrt(4.0 * columns + 6)
        B[j, j], B[j + 1, j] = 1 / (size[columns] * unit), -1 / (size[columns + 2] * unit)
        U, sigma[parity::2], _ = np.linalg.svd(B, full_matrices=False)
        vectors[rows[:, None], columns] = U
    order = np.argsort(-sigma)
    basis = Chebyshev()
    legendre = np.polynomial.legendre.legvander(basis.points(n), n - 1) * size
    L = np.triu(basis.coefficients(legendre))
    vectors = vectors[:, order]
    projection = vectors.T @ (L.T @ basis.gram(n))
    out = (1 / sigma[order] ** 2, L @ vectors, projection)
    for array in out:
        array.flags.writeable = False
    return out
