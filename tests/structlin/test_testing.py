"""The public checks and strategies: they pass what is right and catch what is wrong."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.matrices import Dense, LinearOperator, rule, slogdet, trace
from structlin.testing import arrays, check_operator, dtypes, operators

M = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 1.0, 1.0]])


class Stored(LinearOperator):
    """A correct operator, which the broken ones below change."""

    def __init__(self, matrix: Any = M) -> None:
        self.matrix = matrix
        super().__init__(matrix.shape, like=matrix)

    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X

    def _rmatmat(self, X: Any) -> Any:
        return self.matrix.conj().T @ X


class WrongAdjoint(Stored):
    def _rmatmat(self, X: Any) -> Any:
        return self.matrix @ X


class TransposeForAdjoint(Stored):
    def _rmatmat(self, X: Any) -> Any:
        return self.matrix.T @ X


class WrongType(Stored):
    def _matmat(self, X: Any) -> Any:
        return (self.matrix @ X).astype(np.complex128)


class Affine(Stored):
    def _matmat(self, X: Any) -> Any:
        return self.matrix @ X + 1


class FirstColumn(Stored):
    def _matmat(self, X: Any) -> Any:
        return np.repeat(self.matrix @ X[:, :1], X.shape[1], axis=1)


class Scribbling(Stored):
    def _matmat(self, X: Any) -> Any:
        Y = self.matrix @ X
        X *= 2
        return Y


class Sharing(Stored):
    def _matmat(self, X: Any) -> Any:
        return X

    _rmatmat = _matmat


class WrongDense(Stored):
    def todense(self) -> Any:
        return self.matrix + 1e-6


class LongRepr(Stored):
    def __repr__(self) -> str:
        return "two\nlines"


class WrongRule(Stored):
    pass


rule(trace, WrongRule, how="wrong")(lambda A: np.float64(7))


class WrongSign(Stored):
    pass


rule(slogdet, WrongSign, how="wrong")(lambda A: (-np.linalg.slogdet(M)[0], np.linalg.slogdet(M)[1]))


class Crashing(Stored):
    def _matmat(self, X: Any) -> Any:
        if X.shape[1] == 0:
            raise RuntimeError("no columns")
        return self.matrix @ X


def test_correct_operators_pass() -> None:
    check_operator(Stored(), rng=0)
    check_operator(Stored(M + 1j * M.T), rng=np.random.default_rng(1))
    check_operator(Stored(M[:2].astype(np.float32)))
    check_operator(Stored(np.empty((0, 3))))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (WrongAdjoint(), "<A x, y> = <x, A.H y>|x @ A"),
        (TransposeForAdjoint(M + 1j * M.T), "<A x, y> = <x, A.H y>|x @ A"),
        (WrongType(), "dtype complex128"),
        (Affine(), "dense products|linear"),
        (FirstColumn(), "dense products"),
        (Scribbling(), "operand has changed|dense products|layout"),
        (Sharing(np.eye(3)), "neither change nor share"),
        (WrongDense(), "dense products"),
        (LongRepr(), "repr has several lines"),
        (WrongRule(), "trace"),
        (WrongSign(), "slogdet"),
        (Crashing(), "no columns"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LinearOperator) else "",
)
def test_broken_operators_are_caught(broken: LinearOperator, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_operator(broken, rng=0)


def test_functions_can_be_left_out() -> None:
    check_operator(WrongRule(), rng=0, functions=False)


def test_large_operators_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        check_operator(Dense(np.broadcast_to(1.0, (2**12, 2**11))))


@given(data=st.data(), dtype=dtypes())
def test_arrays(data: Any, dtype: str) -> None:
    x = data.draw(arrays((2, 3), dtype))
    assert x.dtype == dtype
    assert x.shape == (2, 3)
    assert np.abs(x).max() <= 4 * np.sqrt(2)
    np.testing.assert_array_equal(x * 16, np.round(x * 16))


@given(A=operators(square=True))
def test_square_operators(A: LinearOperator) -> None:
    assert A.shape[0] == A.shape[1] <= 27


def test_strategies_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"pip install 'structlin\[test\]'"):
        dtypes()
