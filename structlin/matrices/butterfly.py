"""Butterfly matrices: products of log₂ n factors of 2×2 blocks."""

from __future__ import annotations

from typing import Any

from structlin.matrices.kronecker_sparse import KroneckerSparse, KroneckerSparseChain
from structlin.matrices.nearest._result import Nearest
from structlin.matrices.operations import aslinearoperator, scale
from structlin.matrices.patterns import butterfly_patterns
from structlin.matrices.rules import rule


class Butterfly(KroneckerSparseChain):
    """A square-dyadic butterfly matrix of size ``n = 2^p``.

    Parameters
    ----------
    *factors : (2ⁱ, 2, 2, n/2ⁱ⁺¹) arrays or KroneckerSparse, i = 0, …, p − 1
        The values of the factors from left to right: factor ``i`` combines entries that stand
        ``n/2ⁱ⁺¹`` apart.

    Raises
    ------
    ValueError
        If the factors have other patterns than `butterfly_patterns` gives.

    Notes
    -----
    Products cost ``4 n log₂ n`` operations, and so do systems and determinants up to a factor.
    The Hadamard matrix and the discrete Fourier transform with its columns in bit-reversed order
    are butterfly matrices. Adjoint and inverse are chains in reverse order.

    Examples
    --------
    >>> import numpy as np
    >>> H = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> A = Butterfly(*(np.tile(H[None, :, :, None], (2**i, 1, 1, 4 >> i)) for i in range(3)))
    >>> A @ np.eye(8)[0]
    array([1., 1., 1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, *factors: Any) -> None:
        super().__init__(*factors)
        wanted = butterfly_patterns(2 ** len(self.factors))
        if self.patterns != wanted:
            found = ", ".join(str(tuple(pattern)) for pattern in self.patterns)
            sizes = ", ".join(str(tuple(pattern)) for pattern in wanted)
            raise ValueError(
                f"factors have patterns {found}: a butterfly of {len(wanted)} factors has {sizes}"
            )

    @classmethod
    def nearest(cls, W: Any) -> Nearest:
        """Approximate a matrix by a butterfly matrix.

        Parameters
        ----------
        W : (n, n) array, sparse matrix or operator
            The matrix; ``n`` is a power of two. It is made dense.

        Returns
        -------
        Nearest
            The `Butterfly` and its relative error in the Frobenius norm, at most
            ``√(log₂ n − 1)`` times the least possible; they unpack.

        Notes
        -----
        This is `KroneckerSparse.nearest` with `butterfly_patterns`. Cost: ``O(n²)``.

        Examples
        --------
        >>> import numpy as np
        >>> A, error = Butterfly.nearest(np.diag(np.arange(8.0)))
        >>> A.parameters, bool(error < 1e-15)
        (48, True)
        """
        chain: Any
        W = aslinearoperator(W)
        chain, error = KroneckerSparse.nearest(W, butterfly_patterns(W.shape[0]))
        return Nearest(cls(*chain.factors), error)


@rule(scale, Butterfly)
def _scale(A: Butterfly, scalar: complex) -> Butterfly:
    first, *others = A.factors
    return Butterfly(scalar * first, *others)
