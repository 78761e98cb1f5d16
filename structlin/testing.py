"""Checks of linear operators, and Hypothesis strategies, to run on operators of your own.

Write a strategy (or a few instances) of your operator and hand each one to `check_operator`,
which needs nothing but NumPy. The strategies need Hypothesis: ``pip install structlin[test]``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.matrices import (
    Dense,
    Diagonal,
    Identity,
    Kronecker,
    KroneckerSum,
    LinearOperator,
    Selected,
)
from structlin.matrices._checks import check_operator as check_operator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def dtypes() -> SearchStrategy[str]:
    """Return a strategy for the names of the data types of operators.

    Returns
    -------
    SearchStrategy of str
        ``"float32"``, ``"float64"``, ``"complex64"`` or ``"complex128"``.

    Raises
    ------
    ImportError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dtypes(), lambda name: name.startswith("complex"))
    'complex64'
    """
    names: SearchStrategy[str] = _strategies().sampled_from(
        ["float64", "float32", "complex64", "complex128"]
    )
    return names


def arrays(
    shape: int | tuple[int, ...],
    dtype: str = "float64",
    *,
    asarray: Callable[[Any], Any] = np.asarray,
) -> SearchStrategy[Any]:
    """Return a strategy for arrays of moderate entries, in any memory layout.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : str
        The name of the data type.
    asarray : callable, optional
        Moves a NumPy array to another library, such as ``cupy.asarray``.

    Returns
    -------
    SearchStrategy of array
        Entries are multiples of 1/16 from −4 to 4, so that short sums are exact; NumPy arrays may
        be C-ordered, Fortran-ordered or slices.

    Raises
    ------
    ImportError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2, 3)), lambda x: x.flags.c_contiguous)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    st, extra = _strategies(), importlib.import_module("hypothesis.extra.numpy")
    parts = extra.arrays(np.int8, shape, elements=st.integers(-64, 64))
    if dtype.startswith("complex"):
        values = st.builds(lambda real, imaginary: (real + 1j * imaginary) / 16, parts, parts)
    else:
        values = parts.map(lambda real: real / 16)
    layouts = st.sampled_from([np.ascontiguousarray, np.asfortranarray, _sliced])
    made: SearchStrategy[Any] = st.builds(
        lambda x, layout: asarray(layout(x.astype(dtype))), values, layouts
    )
    return made


def operators(
    *,
    dtype: str = "float64",
    asarray: Callable[[Any], Any] = np.asarray,
    square: bool = False,
) -> SearchStrategy[LinearOperator]:
    """Return a strategy for small operators of all the structures of this package.

    Parameters
    ----------
    dtype : str
        The name of the data type.
    asarray : callable, optional
        Moves a NumPy array to another library, such as ``cupy.asarray``.
    square : bool
        Whether all operators are square.

    Returns
    -------
    SearchStrategy of LinearOperator
        Stored, diagonal, Kronecker and other matrices, their sums, products, multiples,
        adjoints and submatrices, of at most some thirty rows and columns.

    Raises
    ------
    ImportError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(operators(), lambda A: A.shape == (3, 2)).shape
    (3, 2)
    """
    drawn: SearchStrategy[LinearOperator] = _strategies().composite(_draw_operator)(
        dtype, asarray, square
    )
    return drawn


def _draw_operator(
    draw: Callable[[Any], Any], dtype: str, asarray: Callable[[Any], Any], square: bool
) -> LinearOperator:
    st = _strategies()

    def side(least: int = 0, most: int = 4) -> int:
        return int(draw(st.integers(least, most)))

    def entries(*shape: int) -> Any:
        return draw(arrays(shape, dtype, asarray=asarray))

    def blocks(most: int) -> list[Any]:
        sides = [side(1, 3) for _ in range(side(1, most))]
        return [entries(m, m if square else side(1, 3)) for m in sides]

    m = side()
    n = m if square else side()
    structure = draw(st.sampled_from(["dense", "diagonal", "identity", "kronecker", "sum"]))
    A: LinearOperator
    if structure == "dense":
        A = Dense(entries(m, n))
    elif structure == "diagonal":
        A = Diagonal(entries(m))
    elif structure == "identity":
        A = Identity(m, like=entries(1))
    elif structure == "kronecker":
        A = Kronecker(*blocks(3))
    else:
        sides = [side(1, 3) for _ in range(side(1, 3))]
        A = KroneckerSum(*(entries(k, k) for k in sides))
    m, n = A.shape
    operation = draw(st.sampled_from(["none", "multiple", "adjoint", "sum", "product", "rows"]))
    if operation == "multiple":
        A = A * draw(st.sampled_from([2, -0.5]))
    elif operation == "adjoint":
        A = A.H
    elif operation == "sum":
        A = A + Dense(entries(m, n))
    elif operation == "product":
        A = A @ Dense(entries(n, n))
    elif operation == "rows":
        A = Selected(A, range(m)[::-1], range(n) if square else range(0, n, 2))
    return A


def _sliced(x: Any) -> Any:
    return np.repeat(x, 2, axis=0)[::2]


def _strategies() -> Any:
    try:
        return importlib.import_module("hypothesis.strategies")
    except ImportError as error:
        raise ImportError(
            "the strategies need Hypothesis: pip install 'structlin[test]'"
        ) from error
