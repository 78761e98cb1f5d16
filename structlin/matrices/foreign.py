"""Linear operators of SciPy, CuPy, PyLops and other libraries."""

from __future__ import annotations

import importlib
from typing import Any

from structlin._backend import namespace, scipy_of
from structlin.matrices._base import LinearOperator
from structlin.matrices.operations import aslinearoperator
from structlin.matrices.rules import rule


class Foreign(LinearOperator):
    """A linear operator of SciPy, CuPy or PyLops, or anything with ``shape`` and ``matvec``.

    Parameters
    ----------
    operator : object
        The operator: anything that SciPy's ``aslinearoperator`` takes.

    Attributes
    ----------
    operator : scipy.sparse.linalg.LinearOperator
        SciPy's (or CuPy's) operator.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import LinearOperator
    >>> A = Foreign(LinearOperator((2, 2), matvec=lambda x: 2 * x, dtype=float))
    >>> A @ np.ones(2)
    array([2., 2.])
    """

    operator: Any

    def __init__(self, operator: Any) -> None:
        on_cupy = any(base.__module__.startswith("cupyx") for base in type(operator).__mro__)
        library = importlib.import_module("array_api_compat.cupy" if on_cupy else "numpy")
        like = library.empty(0)
        wrap = scipy_of(namespace(like), "sparse.linalg").aslinearoperator
        self.operator = wrap(operator)
        super().__init__(self.operator.shape, self.operator.dtype, like=like)

    def _matmat(self, X: Any) -> Any:
        return self.xp.astype(self.operator.matmat(X), X.dtype, copy=False)

    def _rmatmat(self, X: Any) -> Any:
        try:
            product = self.operator.rmatmat(X)
        except TypeError:
            # of an operator without an adjoint SciPy calls None, but for a vector it says so
            self.operator.rmatvec(self.xp.zeros(self.shape[0], dtype=X.dtype))
            raise
        return self.xp.astype(product, X.dtype, copy=False)

    def _formula(self) -> str:
        return type(self.operator).__name__


rule(aslinearoperator, object, when=lambda x: hasattr(x, "shape") and hasattr(x, "matvec"))(Foreign)
