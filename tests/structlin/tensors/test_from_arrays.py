"""Functions from values on grids and from coefficients, against the functions themselves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.tensors import CP, ChebTucker, Chebyshev, Fourier, TensorTrain, Tucker

BOX = [(0.0, 1.0), (-1.0, 2.0), (1e-3, 3.0)]


def waves(x: Any, y: Any, z: Any) -> Any:
    return np.exp(-x * y) * np.cos(3 * z + x) + 1 / (5 + x + y * z)


def grid(f: Any, nodes: Any) -> Any:
    return f(*np.meshgrid(*nodes, indexing="ij"))


def error(f: ChebTucker, exact: Any, box: Any) -> float:
    """Return the largest error at random points, relative to the largest value."""
    rng = np.random.default_rng(7)
    points = [low + (high - low) * rng.random(3000) for low, high in box]
    values = exact(*points)
    return float(np.max(np.abs(f(*points) - values)) / np.max(np.abs(values)))


def chebyshev(n: int, box: Any = BOX) -> list[Any]:
    return [Chebyshev(*interval).points(n) for interval in box]


@pytest.mark.parametrize("tol", [1e-5, 1e-8, 1e-12])
def test_values_at_chebyshev_points(tol: float) -> None:
    f = ChebTucker.from_values(grid(waves, chebyshev(45)), BOX, tol=tol, rng=0)
    assert f.converged
    assert f.error_estimate <= tol
    assert error(f, waves, BOX) <= 2 * tol
    assert max(f.degrees) < 36
    assert max(f.ranks) <= 16
    assert f.report.evaluations == 45**3


def test_values_of_a_function_that_is_not_resolved() -> None:
    with pytest.warns(ConvergenceWarning, match="finer grid"):
        f = ChebTucker.from_values(grid(waves, chebyshev(12)), BOX, rng=0)
    assert not f.converged
    assert error(f, waves, BOX) <= f.error_estimate < 1e-2
    with pytest.warns(ConvergenceWarning):
        ChebTucker.from_values(np.random.default_rng(0).standard_normal((20, 20)), tol=1e-6)


@pytest.mark.parametrize("kind", ["midpoints", "ends", "random"])
def test_values_on_a_grid_of_the_user(kind: str) -> None:
    rng, nodes = np.random.default_rng(1), None
    if kind == "midpoints":
        places = [low + (high - low) * (np.arange(60) + 0.5) / 60 for low, high in BOX]
    elif kind == "ends":
        nodes = places = [np.linspace(low, high, 60) for low, high in BOX]
    else:
        steps = [np.cumsum(np.append(0, 1 + rng.random(79))) for _ in BOX]
        pairs = zip(steps, BOX, strict=True)
        nodes = places = [low + (high - low) * x / x[-1] for x, (low, high) in pairs]
    f = ChebTucker.from_tensor(grid(waves, places), BOX, nodes=nodes, rng=0)
    assert f.converged
    assert f.error_estimate <= 1e-7
    assert error(f, waves, BOX) <= 1e-6


@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("kink", [0.3, 0.3337])
def test_a_kink_is_seen(n: int, kink: float) -> None:
    def roof(x: Any, y: Any) -> Any:
        return np.abs(x - kink) + y

    x = np.linspace(0, 1, n)
    with pytest.warns(ConvergenceWarning, match="finer grid"):
        f = ChebTucker.from_tensor(grid(roof, [x, x]), [(0, 1)] * 2, nodes=[x, x], tol=1e-5, rng=0)
    assert not f.converged
    true = error(f, roof, [(0, 1), (0, 1)])
    assert true / 5 <= f.error_estimate <= 20 * true


def test_nodes_give_the_box() -> None:
    x, y = np.linspace(-2, 3, 40), [*np.linspace(0, 1, 39) ** 2]
    f = ChebTucker.from_tensor(np.cos(x[:, None]) * np.asarray(y), nodes=[x, y])
    assert f.domain == [(-2, 3), (0, 1)]
    np.testing.assert_allclose(f(0.3, 0.7), np.cos(0.3) * 0.7, rtol=1e-6)


def test_noise_is_seen() -> None:
    x = np.linspace(0, 1, 50)
    noisy = grid(lambda x, y: x * y, [x, x])
    noisy = noisy + 1e-3 * np.random.default_rng(0).standard_normal(noisy.shape)
    with pytest.warns(ConvergenceWarning):
        f = ChebTucker.from_tensor(noisy, [(0, 1), (0, 1)], nodes=[x, x], tol=1e-5, rng=0)
    assert 1e-4 < f.error_estimate < 0.1


def test_periodic_axes_and_scale() -> None:
    def wave(x: Any, y: Any) -> Any:
        return 1e200 * np.exp(np.sin(2 * np.pi * x)) * np.cos(y)

    domain = [Fourier(0, 1), (0, 2)]
    x, y = np.arange(32) / 32, np.linspace(0, 2, 40)
    f = ChebTucker.from_tensor(grid(wave, [x, y]), domain, nodes=[x, y], rng=0)
    assert f.converged
    assert error(f, wave, [(0, 1), (0, 2)]) <= 1e-6
    g = ChebTucker.from_values(
        grid(wave, [x, Chebyshev(0, 2).points(25)]), domain, tol=1e-11, rng=0
    )
    assert g.converged
    assert error(g, wave, [(0, 1), (0, 2)]) <= 1e-10
    shifted = x + 0.25  # a period may begin anywhere
    h = ChebTucker.from_tensor(grid(wave, [shifted, y]), domain, nodes=[shifted, y], rng=0)
    assert error(h, wave, [(0, 1), (0, 2)]) <= 1e-6


def test_tucker_and_canonical_tensors_of_values() -> None:
    x, y = chebyshev(40, BOX[:2])
    T = Tucker(np.eye(2), [np.stack([np.exp(x), x], axis=1), np.stack([np.sin(y), y], axis=1)])
    C = CP(None, T.factors)

    def exact(x: Any, y: Any) -> Any:
        return np.exp(x) * np.sin(y) + x * y

    for values in (T, C):
        f = ChebTucker.from_values(values, BOX[:2], rng=0)
        assert f.converged
        assert f.ranks == (2, 2)
        assert error(f, exact, BOX[:2]) <= 1e-12
    factors = [np.stack([np.exp(0.2 * t), t], axis=1) for t in chebyshev(30, [(-1, 1)] * 6)]
    core = np.zeros((2,) * 6)
    core[(0,) * 6], core[(1,) * 6] = 2.0, 3.0
    long = Tucker(TensorTrain.from_array(core), factors)
    g = ChebTucker.from_values(long, tol=1e-10, rng=0)

    def product(*x: Any) -> Any:
        return 2 * np.exp(0.2 * sum(x)) + 3 * np.prod(x, axis=0)

    assert error(g, product, [(-1, 1)] * 6) <= 1e-9


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(0, 99))
def test_coefficients_are_kept(shape: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    C = rng.standard_normal(shape)
    f = ChebTucker.from_coeffs(C)
    assert f.converged
    assert f.ndim == len(shape)
    x = rng.uniform(-1, 1, (len(shape), 20))
    wanted = np.polynomial.chebyshev.chebval(x[0], C)
    for t in x[1:]:
        V = np.polynomial.chebyshev.chebvander(t, wanted.shape[0] - 1)
        wanted = np.einsum("pi,i...p->...p", V, wanted)
    np.testing.assert_allclose(f(*x), wanted, atol=1e-13 * np.linalg.norm(C) * C.size)
    np.testing.assert_allclose(
        ChebTucker.from_coeffs(Tucker(f.core, f.factors))(*x), f(*x), atol=1e-12 * C.size
    )


def test_coefficients_are_chopped_to_a_tolerance() -> None:
    C = 0.1 ** np.add.outer(np.arange(30.0), np.arange(20.0))
    f = ChebTucker.from_coeffs(C, [(0, 1), (2, 3)], tol=1e-6)
    assert f.ranks == (1, 1)
    assert max(f.degrees) <= 7
    g = ChebTucker.from_coeffs(CP(None, [0.1 ** np.arange(30.0)[:, None]] * 2), tol=1e-6)
    assert g.ranks == (1, 1)
    assert max(g.degrees) <= 7


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_every_library_and_precision(library: Any, dtype: str) -> None:
    phase = 1 + 2j if dtype == "complex128" else 1.0
    nodes = [np.linspace(low, high, 40) for low, high in BOX]
    values = (phase * grid(waves, nodes)).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = ChebTucker.from_tensor(
            library.asarray(values), BOX, nodes=[library.asarray(x) for x in nodes], tol=1e-4, rng=0
        )
        g = ChebTucker.from_values(
            library.asarray((phase * grid(waves, chebyshev(30))).astype(dtype)),
            BOX,
            tol=1e-4,
            rng=0,
        )
        h = ChebTucker.from_coeffs(library.asarray(values))
    assert f.dtype == g.dtype == h.dtype == library.dtype(dtype)
    x = np.random.default_rng(0).random((3, 50)) * [[1], [3], [2.9]] + [[0], [-1], [1e-3]]
    for function in (f, g):
        found = library.to_numpy(function(*(library.asarray(t) for t in x)))
        assert np.max(np.abs(found - phase * waves(*x))) <= 1e-3


def test_zero_constant_and_tiny_grids() -> None:
    assert ChebTucker.from_values(np.zeros((5, 6)))(0.1, 0.2) == 0
    assert ChebTucker.from_coeffs(np.zeros((5, 6)))(0.1, 0.2) == 0
    f = ChebTucker.from_values(np.full((20, 1, 3), 7.0))
    assert f.degrees == (0, 0, 0)
    assert f(0.1, 0.2, 0.3) == pytest.approx(7, rel=1e-14)


def test_bad_input_is_named() -> None:
    values = np.ones((20, 21))
    with pytest.raises(ValueError, match="tol is 1e-12, and float32"):
        ChebTucker.from_values(values.astype(np.float32))
    with pytest.raises(ValueError, match="domain has 1 intervals"):
        ChebTucker.from_values(values, [(0, 1)])
    with pytest.raises(ValueError, match="domain has 0 intervals: at least one"):
        ChebTucker.from_values(np.ones(()))
    with pytest.raises(TypeError, match="list is not an array"):
        ChebTucker.from_values([[1.0, 2.0]])
    with pytest.raises(TypeError, match="coefficients is a TensorTrain: pass an array, a Tucker"):
        ChebTucker.from_coeffs(TensorTrain.from_array(values))
    with pytest.raises(ValueError, match="nothing to interpolate"):
        ChebTucker.from_values(np.ones((3, 0)))
    with pytest.raises(ValueError, match="nodes has 1 entries"):
        ChebTucker.from_tensor(values, [(0, 1)] * 2, nodes=[np.ones(20)])
    x, y = np.linspace(0, 1, 20), np.linspace(0, 1, 21)
    with pytest.raises(ValueError, match=r"nodes\[1\] has shape \(20,\).*21 samples"):
        ChebTucker.from_tensor(values, [(0, 1)] * 2, nodes=[x, x])
    with pytest.raises(ValueError, match=r"nodes\[0\] must ascend"):
        ChebTucker.from_tensor(values, [(0, 1)] * 2, nodes=[x[::-1], y])
    with pytest.raises(ValueError, match=r"nodes\[0\] lie in \[0, 1\]"):
        ChebTucker.from_tensor(values, [(0, 2), (0, 1)], nodes=[x, y])
    for nodes in (None, [x, None], [x, np.ones(())]):
        with pytest.raises(ValueError, match="domain is None"):
            ChebTucker.from_tensor(values, nodes=nodes)
    values[3, 4] = np.inf
    with pytest.raises(ValueError, match=r"values has a NaN or Inf at \[3, 4\]"):
        ChebTucker.from_values(values)
    with pytest.raises(ValueError, match=r"coefficients has a NaN or Inf at \[3, 4\]"):
        ChebTucker.from_coeffs(values)
