"""Matrices of discrete sine transforms."""

from __future__ import annotations

from structlin.matrices._trigonometric import TrigonometricTransform


class DST(TrigonometricTransform):
    """The matrix of a discrete sine transform, always orthonormal.

    Parameters
    ----------
    n : int
        Rows and columns.
    type : {1, 2, 3, 4}
        Which transform; 2 by default, as for SciPy.
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
        If the type is none of these.

    See Also
    --------
    structlin.bases.dst : the transform of arrays, with the formulas.

    Notes
    -----
    ``DST(n, type=t) @ x`` is ``scipy.fft.dst(x, type=t, norm="ortho")``. The transpose is the
    inverse: type 3 is that of type 2, types 1 and 4 are their own. Type 1 diagonalises the second
    difference with zero boundary values. A product takes about ``5 n log₂ n`` operations. All
    singular values are 1 and the determinant is ``(−1)^(n (n − 1)/2)``, for each of the types.

    SciPy's transforms that are not orthonormal differ by diagonals: type 1 with
    ``norm="backward"`` is ``√(2 (n + 1)) * DST(n, type=1)``. On grids, ``Kronecker(DST(m),
    DST(n))`` transforms both axes.

    Examples
    --------
    >>> import numpy as np
    >>> S = DST(3, type=1)
    >>> difference = np.array([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]])
    >>> np.diag(S @ difference @ S).round(6)  # 2 − 2 cos(π k/4)
    array([0.585786, 2.      , 3.414214])
    """

    wave = "sine"
