"""The linear map from pairs."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.operators import KernelOperator, LinearOperatorRegression, relative_errors


@given(n=st.integers(12, 30), m=st.integers(1, 8), seed=st.integers(0, 99))
def test_affine_maps_are_found(n, m, seed):
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((m, 5)), rng.standard_normal(5)
    U = rng.standard_normal((n, m))
    learned = LinearOperatorRegression().fit(U, U @ A + b)
    new = rng.standard_normal((4, m))
    np.testing.assert_allclose(learned.predict(new), new @ A + b, atol=1e-8)


def test_leaving_out_is_what_fitting_again_shows():
    rng = np.random.default_rng(0)
    U = rng.standard_normal((12, 3))
    V = U @ rng.standard_normal((3, 4)) + 0.3 * rng.standard_normal((12, 4)) + 1
    learned = LinearOperatorRegression().fit(U, V)
    X = np.column_stack([U, np.ones(12)])
    s = np.linalg.svd(U - U.mean(axis=0), compute_uv=False)
    # the mean stays that of all samples, and its leverage is 1/n
    penalty = np.diag([(learned.ridge * s[0]) ** 2] * 3 + [0.0])
    X = X - np.append(U.mean(axis=0), 0.0)
    errors = []
    for i in range(12):
        keep = np.arange(12) != i
        C = np.linalg.solve(X[keep].T @ X[keep] + penalty, X[keep].T @ V[keep])
        errors.append(np.linalg.norm(X[i] @ C - V[i]) / np.linalg.norm(V[i]))
    np.testing.assert_allclose(learned.leave_one_out, np.mean(errors), rtol=1e-8)


def test_more_values_than_samples(library):
    rng = np.random.default_rng(0)
    U = rng.standard_normal((20, 3)) @ rng.standard_normal((3, 50))
    V = np.cumsum(U, axis=1)
    learned = LinearOperatorRegression().fit(library.asarray(U), library.asarray(V))
    assert learned.rank == 3
    got = library.to_numpy(learned.predict(library.asarray(U[:2])))
    np.testing.assert_allclose(got, V[:2], atol=1e-6 * np.abs(V).max())


def test_no_matrix_of_all_values_is_formed():
    m = 20_000  # the matrix of the map would have 3.2 GB
    a = np.random.default_rng(0).standard_normal((6, m))
    tracemalloc.start()
    learned = LinearOperatorRegression().fit(a, np.flip(a, axis=1))
    predicted = learned.predict(a)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert predicted.shape == a.shape
    assert peak < 40 * a.nbytes


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_do_not_matter(scale):
    rng = np.random.default_rng(0)
    U = rng.standard_normal((20, 4))
    V = np.cumsum(U, axis=1)
    learned = LinearOperatorRegression().fit(scale * U, V / scale)
    np.testing.assert_allclose(learned.predict(scale * U) * scale, V, atol=1e-11)


def test_complex_outputs():
    rng = np.random.default_rng(0)
    U = rng.standard_normal((20, 4))
    learned = LinearOperatorRegression().fit(U, (1 + 2j) * U)
    np.testing.assert_allclose(learned.predict(U), (1 + 2j) * U, atol=1e-11)


def test_advection_of_boxes_is_linear():
    # u(x, t) = u₀(x − t) on a grid whose spacing divides every time
    rng = np.random.default_rng(0)
    x = np.arange(40) / 40
    height, width, center = rng.uniform([1, 0.3, 0.3], [2, 0.6, 0.7], (300, 3)).T[:, :, None]
    U = np.where(np.abs(x - center) <= width / 2, height, 0.0)
    V = np.stack([np.roll(U, t, axis=1) for t in range(40)], axis=2)
    learned = LinearOperatorRegression().fit(U[:200], V[:200])
    assert np.mean(relative_errors(learned.predict(U[200:]), V[200:])) < 1e-12


def test_there_is_no_deviation():
    U = np.random.default_rng(0).standard_normal((5, 2))
    learned = LinearOperatorRegression().fit(U, U)
    with pytest.raises(ValueError, match="take KernelOperator"):
        learned.predict(U, return_std=True)
    assert repr(learned).startswith("<LinearOperatorRegression linear: 5 samples")


def test_files(tmp_path):
    rng = np.random.default_rng(0)
    grid = Grid.uniform([(0, 1)], 5)
    U = rng.standard_normal((12, 5))
    learned = LinearOperatorRegression().fit(U, np.cumsum(U, axis=1), grid=grid)
    learned.save(tmp_path / "map.npz")
    again = LinearOperatorRegression.load(tmp_path / "map.npz")
    assert again.report() == learned.report()
    finer = Grid.uniform([(0, 1)], 9)
    new = rng.standard_normal((3, 9))
    assert (again.predict(new, grid=finer) == learned.predict(new, grid=finer)).all()
    with pytest.raises(ValueError, match="holds no KernelOperator"):
        KernelOperator.load(tmp_path / "map.npz")
