"""Matrices of discrete cosine transforms."""

from __future__ import annotations

from structlin.matrices._trigonometric import TrigonometricTransform


class DCT(TrigonometricTransform):
    """The matrix of a discrete cosine transform, always orthonormal.

    Parameters
    ----------
    n : int
        Rows and columns; at least two for type 1.
    type : {1, 2, 3, 4}
        Which transform; 2 by default, "the" cosine transform.
    dtype : data type, optional
        By default that of ``like``, or float64.
    like : array or operator, optional
        Gives the array library, the device and the data type. By default NumPy.

    Attributes
    ----------
    type : int
        Which transform.

    Raises
    ------
    ValueError
        If the type is none of these, or 1 for a single point.

    See Also
    --------
    structlin.bases.dct : the transform of arrays, with the formulas.

    Notes
    -----
    ``DCT(n, type=t) @ x`` is ``scipy.fft.dct(x, type=t, norm="ortho")``. The transpose is the
    inverse: type 3 is that of type 2, types 1 and 4 are their own. A product takes about
    ``5 n log₂ n`` operations. All singular values are 1 and the determinant is
    ``(−1)^(n (n − 1)/2)``, for each of the types.

    SciPy's transforms that are not orthonormal differ by diagonals: type 2 with
    ``norm="backward"`` is ``Diagonal(d) @ DCT(n)`` with ``d = √(2n)``, but ``2 √n`` at 0. On
    grids, ``Kronecker(DCT(m), DCT(n))`` transforms both axes.

    Examples
    --------
    >>> import numpy as np
    >>> C = DCT(4)
    >>> C @ np.ones(4)
    array([2., 0., 0., 0.])
    >>> C @ C.T
    <Identity 4x4 float64>
    """

    wave = "cosine"
