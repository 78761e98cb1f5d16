"""Checks of linear operators, and Hypothesis strategies, to run on operators of your own.

Write a strategy (or a few instances) of your operator and hand each one to `check_operator`,
which needs nothing but NumPy; `check_solve` does the same for a solver of your own. The
strategies need Hypothesis: ``pip install structlin[test]``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from structlin.matrices import LinearOperator
from structlin.testing import _instances
from structlin.testing._checks import check_operator as check_operator
from structlin.testing._draws import (
    STRUCTURES,
    arrays as arrays,
    instances,
    square as _square,
    strategies,
)
from structlin.testing._solver_checks import check_solve as check_solve

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_families = _instances.families  # importing them fills the table
_names = ["float64", "float32", "complex64", "complex128"]


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
    names: SearchStrategy[str] = strategies().sampled_from(_names)
    return names


def operators(
    *,
    structure: str | type[LinearOperator] | None = None,
    dtype: Any = "float64",
    shape: tuple[int, int] | None = None,
    square: bool = False,
    asarray: Callable[[Any], Any] = np.asarray,
) -> SearchStrategy[LinearOperator]:
    """Return a strategy for small operators of the structures of this package.

    Parameters
    ----------
    structure : str or type, optional
        A class such as `Kronecker`, its name, or that of one way to draw it, such as
        ``"kronecker_of_hermitian"``; all structures by default.
    dtype : data type, its name, or strategy for names
        The data type of the entries: single or double precision, real or complex.
    shape : (int, int), optional
        Rows and columns; small ones of all kinds by default.
    square : bool
        Whether all operators are square.
    asarray : callable, optional
        Moves a NumPy array to another library, such as ``cupy.asarray``. Structures that are made
        of SciPy's own matrices are left out then.

    Returns
    -------
    SearchStrategy of LinearOperator
        Operators of at most some twenty rows and columns, singular ones among them.

    Raises
    ------
    ValueError
        If there is no such structure, or none of that shape.
    ImportError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(operators(), lambda A: A.shape == (3, 2)).shape
    (3, 2)
    >>> find(operators(structure="kronecker", shape=(4, 6)), lambda A: len(A.factors) == 2)
    <Kronecker 4x6 float64 = 1x1 ⊗ 4x6>
    """
    if shape is not None:
        m, n = map(operator.index, shape)
        if m < 0 or n < 0:
            raise ValueError(f"shape {m}x{n} is negative")
        shape = m, n
    if not hasattr(dtype, "example"):  # strategies have it
        dtype = str(np.dtype(dtype)) if isinstance(dtype, type | np.dtype) else str(dtype)
    if isinstance(dtype, str) and dtype not in _names:
        raise ValueError(f"dtype is {dtype!r}: choose one of {', '.join(_names)}")
    named = {
        name: found
        for name, found in STRUCTURES.items()
        if structure is None
        or structure in (name, found.of.__name__)
        or (isinstance(structure, type) and issubclass(found.of, structure))
    }
    if not named:
        raise ValueError(f"structure is {structure!r}: choose one of {', '.join(STRUCTURES)}")

    def fits(m: int, n: int) -> bool:
        return not square or _square(m, n)

    chosen = [
        found
        for found in named.values()
        if not (found.numpy_only and asarray is not np.asarray)
        and (shape is None or (found.fits(*shape) and fits(*shape)))
    ]
    if not chosen:
        raise ValueError(f"{', '.join(named)}: there are none of shape {shape}")
    return instances(chosen, dtype, shape, fits, asarray)
