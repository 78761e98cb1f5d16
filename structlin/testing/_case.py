"""An operator under test, the dense matrix of its entries, and the list of what holds for it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from structlin.matrices._base import LinearOperator, adjoint_of


class Case:
    """An operator, the dense matrix of its entries, and random vectors for them."""

    def __init__(self, A: LinearOperator, rng: np.random.Generator, condition: float = 1.0) -> None:
        self.A, self.rng, self.xp = A, rng, A.xp
        self.slack = 100.0 * condition * max(*A.shape, 1)
        self.eps = _eps(A.xp, A.dtype)

    @functools.cached_property
    def D(self) -> Any:
        return self.A.todense()

    @functools.cached_property
    def norm(self) -> float:
        return self.size(self.D)

    @functools.cached_property
    def half(self) -> Any:
        """The Hermitian part of the dense matrix."""
        return (self.D + self.mirror(self.D)) / 2

    @functools.cached_property
    def svd(self) -> tuple[Any, Any, Any]:
        """The singular value decomposition of the dense matrix, in double precision."""
        U, S, Vh = self.xp.linalg.svd(self.double(self.D), full_matrices=False)
        return U, S, Vh

    @functools.cached_property
    def values(self) -> list[float]:
        """The singular values of the dense matrix, in descending order."""
        S = self.svd[1]
        return [float(S[i]) for i in range(S.shape[0])]

    @property
    def condition(self) -> float:
        """The condition number, or infinity."""
        if not self.values:
            return 1.0
        return self.values[0] / self.values[-1] if self.values[-1] > 0 else math.inf

    @property
    def ill_conditioned(self) -> bool:
        return not self.condition * self.eps * 1e4 * max(self.A.shape[0], 1) < 1

    @functools.cached_property
    def rank(self) -> int | None:
        """The rank, or None where rounding errors could change it."""
        largest = max(self.A.shape) * max(self.values, default=0.0)
        double = float(self.xp.finfo(self.xp.float64).eps)
        clear = [x for x in self.values if x > 1e4 * self.eps * largest]
        zeros = [x for x in self.values if x <= double * largest]
        return len(clear) if len(clear) + len(zeros) == len(self.values) else None

    @functools.cached_property
    def pinv(self) -> tuple[Any, float]:
        """The pseudoinverse, in double precision, and what multiplies its rounding errors."""
        U, S, Vh = self.svd
        r = self.rank or 0
        inverse = self.mirror(Vh[:r, :]) @ (self.mirror(U[:, :r]) / S[:r, None])
        return inverse, self.values[0] / self.values[r - 1] ** 2 if r else 0.0

    def double(self, x: Any) -> Any:
        """Return an array in double precision."""
        return self.xp.astype(x, self.xp.result_type(x.dtype, self.xp.float64))

    def size(self, x: Any) -> float:
        """Return the Frobenius norm."""
        return float(self.xp.linalg.vector_norm(x))

    def mirror(self, x: Any) -> Any:
        """Return the adjoint of a dense matrix."""
        return adjoint_of(x, self.xp)

    def random(self, *shape: int, dtype: Any = None) -> Any:
        """Return normal numbers in the library of the operator."""
        dtype = self.A.dtype if dtype is None else dtype
        values = self.rng.standard_normal(shape)
        if self.xp.isdtype(dtype, "complex floating"):
            values = values + 1j * self.rng.standard_normal(shape)
        return self.array(values, dtype)

    def array(self, values: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(values, dtype=dtype, device=self.A.device)

    def eye(self, n: int) -> Any:
        return self.xp.eye(n, dtype=self.A.dtype, device=self.A.device)

    def close(self, actual: Any, expected: Any, scale: float, slack: float = 0.0) -> None:
        """Require equal shapes and data types, and values within rounding of the scale."""
        found, wanted = tuple(actual.shape), tuple(expected.shape)
        require(found == wanted, f"shape {found} instead of {wanted}")
        require(actual.dtype == expected.dtype, f"dtype {actual.dtype} instead of {expected.dtype}")
        eps = max(self.eps, _eps(self.xp, expected.dtype))
        bound = (slack or self.slack) * eps * scale
        error = self.size(actual - expected)
        require(error <= bound, f"off by {error:.1e}, more than {bound:.1e}")

    def same(self, B: Any, dense: Any, scale: float, *, whole: bool = True) -> None:
        """Require an operator with the entries of a dense matrix.

        Random products tell; ``whole`` asks for `todense` as well.
        """
        require(isinstance(B, LinearOperator), f"{type(B).__name__} instead of an operator")
        require(B.shape == tuple(dense.shape), f"shape {B.shape} instead of {dense.shape}")
        if whole:
            self.close(B.todense(), dense, scale)
        X, Y = (self.random(size, 2, dtype=dense.dtype) for size in dense.shape[::-1])
        self.close(B @ X, dense @ X, scale * self.size(X))
        self.close(B.H @ Y, self.mirror(dense) @ Y, scale * self.size(Y))

    def finite(self, x: Any, name: str) -> None:
        """Require finite numbers."""
        require(bool(self.xp.all(self.xp.isfinite(x))), f"{name} has NaN or Inf")


@functools.cache
def _eps(xp: ModuleType, dtype: Any) -> float:
    return float(xp.finfo(dtype).eps)


def require(condition: bool, otherwise: str) -> None:
    """Raise an AssertionError with these words unless the condition is met."""
    if not condition:
        raise AssertionError(otherwise)


def refused(work: Callable[[], Any]) -> bool:
    """Tell whether a call raises a ValueError, such as a LinAlgError."""
    try:
        work()
    except ValueError:
        return True
    return False


Check = Callable[[Case], None]
checks: list[tuple[str, str, Check]] = []


def holds(words: str, *, of: str = "all") -> Callable[[Check], Check]:
    """Register a check of the property that the words state.

    It is one ``of`` "all" operators, of their "functions", or of those of "square" ones only.
    """

    def register(check: Check) -> Check:
        checks.append((words, of, check))
        return check

    return register
