"""The public checks and strategies: they pass what is right and catch what is wrong."""

from __future__ import annotations

import importlib
import re
import types
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import find, given, settings, strategies as st

from structlin.matrices import Dense, LinearOperator, eig, rule, slogdet, solve, trace
from structlin.testing import arrays, check_operator, dtypes, operators
from structlin.testing._draws import STRUCTURES
from tests.conftest import ArrayLibrary

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


class Circulant(LinearOperator):
    """A circulant matrix whose rules forget that it may be singular."""

    def __init__(self, column: Any) -> None:
        self.eigenvalues = np.fft.fft(column)
        super().__init__((len(column),) * 2, like=column)

    def _matmat(self, X: Any) -> Any:
        return self._apply(self.eigenvalues, X)

    def _rmatmat(self, X: Any) -> Any:
        return self._apply(self.eigenvalues.conj(), X)

    def _apply(self, spectrum: Any, X: Any) -> Any:
        Y = np.fft.ifft(spectrum[:, None] * np.fft.fft(X, axis=0), axis=0)
        return Y if np.iscomplexobj(X) else Y.real


class WrongLogarithm(Circulant):
    pass


@rule(solve, Circulant, how="careless")
def _solve(A: Circulant, B: Any) -> Any:
    with np.errstate(all="ignore"):
        return A._apply(1 / A.eigenvalues, B)


@rule(slogdet, WrongLogarithm, how="careless")
def _slogdet(A: WrongLogarithm) -> Any:
    with np.errstate(all="ignore"):
        moduli = abs(A.eigenvalues)
        return np.prod(A.eigenvalues / moduli).real, np.sum(np.log(moduli))


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
    check_operator(Circulant(np.array([2.0, 1.0, 0.0])))
    check_operator(WrongLogarithm(np.array([2.0, 1.0, 0.0])))


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
        (Circulant(np.zeros(3)), "solution .* has NaN"),
        (Circulant(np.ones(3)), "solution .* has NaN"),
        (WrongLogarithm(np.zeros(3)), r"slogdet gives sign \(?nan"),
        (WrongLogarithm(np.ones(3)), r"slogdet gives sign \(?nan"),
        (Crashing(), "no columns"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LinearOperator) else "",
)
def test_broken_operators_are_caught(broken: LinearOperator, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_operator(broken, rng=0)


def _structure_of_the_guide() -> Any:
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r'^```python\n(""".*?)^```', guide, re.DOTALL | re.MULTILINE)
    module = types.ModuleType("companion")
    exec(code, vars(module))
    return module.Companion


Guided = _structure_of_the_guide()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@settings(max_examples=6)
@given(data=st.data(), n=st.integers(0, 5))
def test_the_guide_to_new_structures(dtype: str, library: ArrayLibrary, data: Any, n: int) -> None:
    check_operator(Guided(data.draw(arrays((n,), dtype, asarray=library.asarray))), rng=0)


@pytest.mark.parametrize("c", [[], [0], [0, 0, 0], [0, 1, 1], [0, -0.3, 0.1, 2]])
def test_singular_matrices_of_the_guide(library: ArrayLibrary, c: list[float]) -> None:
    A = Guided(library.asarray(c, dtype="float64"))
    check_operator(A, rng=0)
    if c:
        with pytest.raises(np.linalg.LinAlgError, match=r"Companion .* is singular"):
            solve(A, library.asarray(np.ones(len(c))))


def test_eigenvalues_of_the_structure_of_the_guide() -> None:
    # (z - 1)(z - 2)(z - 3) = z³ - 6 z² + 11 z - 6
    A = Guided(np.array([-6.0, 11.0, -6.0]))
    np.testing.assert_allclose(np.sort(eig(A).eigenvalues.real), [1, 2, 3], rtol=1e-12)
    assert slogdet(A).logabsdet == pytest.approx(np.log(6))


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


@pytest.mark.parametrize("shape", [(0, 0), (5, 5), (5, 7), (8, 8)])
@pytest.mark.parametrize("name", STRUCTURES)
def test_shapes_are_had_or_refused_at_once(name: str, shape: tuple[int, int]) -> None:
    try:
        drawn = operators(structure=name, shape=shape)
    except ValueError as error:
        if "there are none of shape" not in str(error):
            raise
        return

    @settings(max_examples=1, phases=[hypothesis.Phase.generate])
    @given(A=drawn)
    def has_shape(A: LinearOperator) -> None:
        assert A.shape == shape

    has_shape()


def test_structures_and_data_types_have_several_names() -> None:
    drawn = operators(structure="Toeplitz", dtype=np.complex64, shape=(2, 3))
    found = find(drawn, lambda A: True)
    assert type(found).__name__ == "Toeplitz"
    assert found.dtype == np.complex64


def test_strategies_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"pip install 'structlin\[test\]'"):
        dtypes()


def test_arrays_are_checked_as_operators() -> None:
    check_operator(np.array([[2.0, 1.0], [0.0, 1.0]]), rng=0)


def test_badly_graded_matrices_have_eigenvectors() -> None:
    # triangular but for 2.1e-50: balancing takes that for an entry like others, and what it does to
    # the last row and column leaves errors of many eps ‖A‖ in A V
    A = np.array(
        [
            [0.12, 0.071, -0.024, -0.1, 0.004, -0.12],
            [0.0, 0.28, 0.022, 0.2, -0.089, -0.41],
            [0.0, 0.0, -0.076, -0.14, -0.45, 0.0016],
            [0.0, 0.0, 0.0, 0.35, -0.27, -0.14],
            [0.0, 0.0, 0.0, 0.0, 0.33, -0.32],
            [0.0, 0.0, 0.0, 2.1e-50, 0.0, -9.6e-07],
        ]
    )
    check_operator(Dense(A), rng=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"shape": (-1, 2)}, "shape -1x2 is negative"), ({"dtype": "int8"}, "dtype is 'int8'")],
)
def test_strategies_refuse(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operators(**options)
