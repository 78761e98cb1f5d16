"""Norms and condition numbers lie within their intervals."""

import math

import numpy as np
import pytest
import scipy.sparse

from structlin import ConvergenceWarning, Diagonal, LinearOperator
from structlin.sketching import RowBlocks, cond, norm


class Product(LinearOperator):
    """A matrix that is known by its products alone."""

    def __init__(self, array):
        super().__init__(array.shape, like=array)
        self._array = array

    def _matmat(self, X):
        return self.xp.matmul(self._array, X)

    def _rmatmat(self, X):
        conjugate = self.xp.conj(self._array) if self.is_complex else self._array
        return self.xp.matmul(self.xp.matrix_transpose(conjugate), X)


def with_values(m, n, values, rng, dtype=np.float64):
    parts = [rng.standard_normal((k, len(values))) for k in (m, n)]
    if np.issubdtype(dtype, np.complexfloating):
        parts = [X + 1j * rng.standard_normal(X.shape) for X in parts]
    U, V = (np.linalg.qr(X)[0] for X in parts)
    return ((U * values) @ V.conj().T).astype(dtype)


@pytest.mark.parametrize("shape", [(400, 300), (300, 400), (300, 300)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_largest_singular_value(shape, dtype, library, rng):
    values = 1 / np.sqrt(np.arange(1, 301))
    A = with_values(*shape, values, rng, np.dtype(dtype))
    result = norm(Product(library.asarray(A)), 2, rng=0)
    low, high = result.interval
    slack = 1e-5 if dtype in ("float32", "complex64") else 1e-12
    assert low * (1 - slack) <= 1.0 <= high
    assert high <= 1.05 * low
    assert result.value == pytest.approx(1.0, rel=1e-3)
    assert result.error_estimate == pytest.approx(high - low)


def test_clustered_values_are_within_the_interval(rng):
    A = with_values(600, 600, np.linspace(1.0, 0.0, 600), rng)
    for seed in range(20):
        low, high = norm(A, 2, method="random", rng=seed).interval
        assert low <= 1.0 + 1e-12
        assert high >= 1.0 - 1e-12


def test_an_exhausted_space_is_exact(rng):
    A = rng.standard_normal((40, 12))
    low, high = norm(A, 2, method="random", rng=0).interval
    assert low == high == pytest.approx(np.linalg.norm(A, 2), rel=1e-12)


@pytest.mark.parametrize("shape", [(300, 300), (400, 300), (300, 400)])
def test_an_invariant_space_is_exact(shape, library):
    for values in (np.ones(300), np.arange(300) % 5 - 2.0, 1.0 * (np.arange(300) == 7)):
        A = np.eye(*shape)
        A[:300, :300] = np.diag(values)
        low, high = norm(library.asarray(A), 2, method="random", rng=0).interval
        assert low == high == pytest.approx(np.max(np.abs(values)), rel=1e-12)


def test_unreached_tolerance(rng):
    A = rng.standard_normal((500, 500))
    with pytest.warns(ConvergenceWarning, match="raise tol"):
        norm(A, 2, method="random", tol=1e-4, rng=0)


@pytest.mark.parametrize("ord", ["fro", "nuc"])
def test_norms_by_probes(ord, library, rng):
    values = np.linspace(1.0, 3.0, 90)
    A = library.asarray(with_values(120, 90, values, rng))
    exact = np.linalg.norm(values) if ord == "fro" else values.sum()
    for operand in (Product(A), Product(library.xp.matrix_transpose(A))):
        ratios = []
        for seed in range(12):
            result = norm(operand, ord, method="random", rng=seed)
            ratios.append((result.value - exact) / result.error_estimate)
            assert result.value == pytest.approx(exact, rel=0.1)
        assert np.max(np.abs(ratios)) <= 4


def test_what_is_known(library, rng):
    A = rng.standard_normal((60, 40))
    for ord in ("fro", 2, "nuc", 1, math.inf):
        result = norm(library.asarray(A), ord)
        assert result.value == pytest.approx(np.linalg.norm(A, ord), rel=1e-12)
        assert result.method.startswith("exact")
    assert norm(Diagonal(library.asarray(np.arange(3000.0))), 2).value == 2999.0


def test_norm_of_rows_takes_one_pass(rng):
    A = rng.standard_normal((500, 7))
    for size in (1.0, 1e200, 1e-200):
        result = norm(RowBlocks(size * A, chunk=13))
        assert result.value == pytest.approx(size * np.linalg.norm(A), rel=1e-12)
    assert result.passes == 1


@pytest.mark.parametrize("ord", ["fro", 2, "nuc"])
def test_scaling_zero_and_empty(ord, rng):
    A = rng.standard_normal((300, 280))
    plain = norm(A, ord, method="random", rng=0).value
    for size in (1e200, 1e-200):
        scaled = norm(size * A, ord, method="random", rng=0).value
        assert scaled / size == pytest.approx(plain, rel=1e-9)
    assert norm(np.zeros((300, 280)), ord, method="random", rng=0).value == pytest.approx(
        0.0, abs=1e-12
    )
    assert norm(np.zeros((0, 5)), ord).value == 0.0
    assert norm(np.full((1, 1), -2.0), ord, method="random").value == pytest.approx(2.0)


def test_bad_norms():
    with pytest.raises(ValueError, match="choose one of"):
        norm(np.eye(3), 3)
    with pytest.raises(ValueError, match="choose one of"):
        norm(np.eye(3), method="guess")
    with pytest.raises(ValueError, match="no random method"):
        norm(np.eye(3), 1, method="random")
    with pytest.raises(ValueError, match="NaN or Inf"):
        norm(np.full((3, 3), np.nan))
    for method in ("auto", "exact", "random"):
        with pytest.raises(ValueError, match="tol is 0"):
            norm(np.eye(3), method=method, tol=0.0)
        with pytest.raises(ValueError, match="probes is 1"):
            norm(np.eye(3), method=method, probes=1)


@pytest.mark.parametrize("ord", [2, "nuc"])
@pytest.mark.parametrize("shape", [(90, 80), (80, 90)])
def test_operators_without_adjoint_or_numbers(ord, shape, rng):
    class Forward(Product):
        def _rmatmat(self, X):
            raise NotImplementedError

    A = rng.standard_normal(shape)
    foreign = scipy.sparse.linalg.LinearOperator(shape, matvec=lambda x: A @ x, dtype=A.dtype)
    for operand in (Forward(A), foreign):
        with pytest.raises(NotImplementedError, match="this norm needs it"):
            norm(operand, ord, method="random")
    for bad in (np.nan, 1.5e308):
        with (
            pytest.raises(ValueError, match="NaN or Inf"),
            np.errstate(all="ignore"),
        ):
            norm(Product(np.full(shape, bad)), ord, method="random")


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_condition_of_tall_matrices(dtype, library, rng):
    values = np.geomspace(1.0, 1e-6, 30)
    A = with_values(2000, 30, values, rng, np.dtype(dtype))
    for operand in (library.asarray(A), library.asarray(A.conj().T)):
        result = cond(operand, method="sketch", rng=0)
        low, high = result.interval
        assert low <= 1e6 <= high
        assert high <= 7 * low
        assert result.passes == 1


def test_condition_of_coherent_matrices():
    A = np.zeros((3000, 20))
    A[:20] = np.diag(np.geomspace(1.0, 1e-3, 20))
    inside = 0
    for seed in range(40):
        low, high = cond(A, rng=seed).interval
        inside += low <= 1e3 <= high
    assert inside >= 39
    low, high = cond(RowBlocks(A, chunk=100), rng=0).interval
    assert low <= 1e3 <= high


def test_condition_by_the_inverse(library, rng):
    values = np.geomspace(1.0, 1e-4, 300)
    A = with_values(300, 300, values, rng)
    result = cond(library.asarray(A), rng=0)
    low, high = result.interval
    assert "inverse" in result.method
    assert low * (1 - 1e-9) <= 1e4 <= high <= 1.2 * low
    assert result.value == pytest.approx(1e4, rel=1e-2)
    size = 100
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(size, size))
    L = scipy.sparse.kronsum(line, line)
    exact = 1 / np.tan(np.pi / (2 * (size + 1))) ** 2
    if library.name == "numpy":
        low, high = cond(L, rng=0).interval
        assert low * (1 - 1e-9) <= exact <= high


def test_singular_zero_and_scaled(rng):
    singular = rng.standard_normal((300, 10))
    singular[:, 3] = 0.0
    assert cond(singular).value > 1e15
    assert cond(singular).interval[1] == math.inf
    assert cond(np.zeros((300, 10))).value == math.inf
    assert cond(np.zeros((300, 300))).value == math.inf
    assert cond(np.full((1, 1), 3.0)).value == pytest.approx(1.0)
    A = rng.standard_normal((300, 10))
    plain = cond(A, method="sketch", rng=0).value
    for size in (1e200, 1e-200):
        assert cond(size * A, method="sketch", rng=0).value == pytest.approx(plain, rel=1e-9)


def test_bad_conditions(rng):
    with pytest.raises(ValueError, match="empty"):
        cond(np.ones((0, 3)))
    with pytest.raises(ValueError, match="choose one of"):
        cond(np.eye(3), method="guess")
    with pytest.raises(ValueError, match="square"):
        cond(np.ones((4, 3)), method="inverse")
    with pytest.raises(ValueError, match="taller"):
        cond(np.ones((4, 3)), method="sketch")
    with pytest.raises(ValueError, match="at least"):
        cond(np.ones((100, 8)), method="sketch", sketch_size=8)
    with pytest.raises(ValueError, match=r"sketch_size is -8.*at least 16 rows"):
        cond(np.ones((100, 8)), method="sketch", sketch_size=-8)
    assert math.isfinite(cond(rng.standard_normal((100, 8)), sketch_size=16).value)
    with pytest.raises(TypeError, match="integer"):
        cond(np.ones((100, 8)), sketch_size="8")
    with pytest.raises(ValueError, match="NaN or Inf"):
        cond(np.full((30, 3), np.nan))
