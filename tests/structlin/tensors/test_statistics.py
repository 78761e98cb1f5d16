"""Means, variances and the parts of them that variables explain."""

from __future__ import annotations

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from structlin.bases import Fourier
from structlin.tensors import ChebTucker, TensorTrain
from tests.structlin.tensors.random_functions import problems
from tests.structlin.tensors.sampled import sampled


@pytest.mark.parametrize("train", [False, True])
def test_ishigami_function(library, train):
    # T. Ishigami and T. Homma (1990): sin x + 7 sin² y + z⁴ sin x / 10 on [-π, π]³
    a, b, pi = 7.0, 0.1, math.pi

    def f(x, y, z):
        return np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)

    found = sampled(f, [(-pi, pi)] * 3, (27, 37, 5), library, train=train)
    first, second = (1 + b * pi**4 / 5) ** 2 / 2, a * a / 8
    mixed = b * b * pi**8 * (1 / 18 - 1 / 50)
    variance = first + second + mixed
    indices = found.sobol_indices(order=3)
    assert float(found.mean()) == pytest.approx(a / 2, rel=1e-11)
    assert found.variance() == pytest.approx(variance, rel=1e-11)
    assert indices.variance == pytest.approx(variance, rel=1e-11)
    main, total = library.to_numpy(indices.main), library.to_numpy(indices.total)
    np.testing.assert_allclose(main, np.array([first, second, 0]) / variance, atol=1e-12)
    np.testing.assert_allclose(
        total, np.array([first + mixed, second, mixed]) / variance, atol=1e-12
    )
    exact = {(0, 1): 0, (0, 2): mixed / variance, (1, 2): 0, (0, 1, 2): 0}
    assert indices.interactions == pytest.approx(exact, abs=1e-12)


def g_function(weights):
    """Return a product of ``(1 + a + s(x)) / (1 + a)`` with ``s`` of mean 0 and variance 1/3."""
    # √(2/3) cos 2πx in place of |4x − 2| − 1, which is not smooth, has the same moments
    d = len(weights)
    factors = [np.array([[1.0], [math.sqrt(2 / 3) / (1 + a)], [0.0]]) for a in weights]
    return ChebTucker(np.ones((1,) * d), factors, [Fourier(0, 1)] * d)


@pytest.mark.parametrize("train", [False, True])
def test_the_g_function_of_six_variables(train):
    weights = [0.0, 0.5, 1.0, 3.0, 9.0, 99.0]
    f = g_function(weights)
    if train:
        f = ChebTucker(TensorTrain.from_array(f.core), f.factors, f.bases)
    parts = np.array([1 / (3 * (1 + a) ** 2) for a in weights])
    variance = math.prod(1 + parts) - 1
    found = f.sobol_indices(order=6)
    assert float(f.mean()) == pytest.approx(1)
    assert found.variance == pytest.approx(variance, rel=1e-13)
    np.testing.assert_allclose(found.main, parts / variance, rtol=1e-12)
    others = math.prod(1 + parts) / (1 + parts)
    np.testing.assert_allclose(found.total, parts * others / variance, rtol=1e-12)
    for size in range(2, 7):
        for axes in itertools.combinations(range(6), size):
            exact = math.prod(parts[list(axes)]) / variance
            assert found.interactions[axes] == pytest.approx(exact, rel=1e-10)


@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=15)
def test_parts_add_up(library, data):
    (f,), _ = data.draw(problems(library, dtype="float64", scales=(1e-100, 1.0, 1e100)))
    try:
        found = f.sobol_indices(order=4)
    except ValueError:
        assert f.std() <= 1e-14 * float(abs(f.mean()))
        return
    main = library.to_numpy(found.main)
    assert main.sum() + sum(found.interactions.values()) == pytest.approx(1)
    for k, total in enumerate(library.to_numpy(found.total)):
        involved = [part for axes, part in found.interactions.items() if k in axes]
        assert total == pytest.approx(main[k] + sum(involved), abs=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_other_types(dtype):
    # f = 1 + c x y: mean 1, variance |c|² / 9
    c = 1j if dtype == "complex128" else 1
    f = ChebTucker(np.diag(np.array([1, c])).astype(dtype), [np.eye(2, dtype=dtype)] * 2)
    assert complex(f.mean()) == pytest.approx(1)
    assert f.variance() == pytest.approx(1 / 9, rel=1e-6)
    assert f.sobol_indices().interactions == pytest.approx({(0, 1): 1.0}, rel=1e-6)


def test_a_small_variance_beside_a_large_mean():
    f = sampled(lambda x, y: 1e6 + x, [(-1, 1)] * 2, (2, 2))
    assert f.std() == pytest.approx(math.sqrt(1 / 3), rel=1e-9)


def test_no_coefficients_at_all():
    for f in (
        ChebTucker(np.zeros((0, 0)), [np.zeros((3, 0))] * 2),
        ChebTucker(np.ones((1, 1)), [np.zeros((0, 1)), np.ones((3, 1))]),
    ):
        assert f.mean() == f.std() == 0


def test_what_has_no_indices():
    f = sampled(lambda x, y: 3 + 0 * x, [(-1, 1)] * 2, (3, 3))
    assert f.variance() == pytest.approx(0, abs=1e-28)
    with pytest.raises(ValueError, match="constant"):
        f.sobol_indices()
    with pytest.raises(ValueError, match="order is 0"):
        g_function([1.0]).sobol_indices(order=0)
    assert "main" in repr(g_function([1.0, 2.0]).sobol_indices())
