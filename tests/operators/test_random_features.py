"""Random features of maps between functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.operators import RandomFeatureOperator, relative_errors


def waves(n: int, count: int, rng: np.random.Generator, ends: bool = False) -> np.ndarray:
    """Return random sums of a constant and two sine waves."""
    t = (np.arange(n) + 0.5) / n if ends else np.arange(n) / n
    a, b, phase = (rng.uniform(0.2, 1, (count, 1)) for _ in range(3))
    return 1 + a * np.sin(2 * np.pi * (t + phase)) + b * np.cos(4 * np.pi * t)


def squares(a: np.ndarray) -> np.ndarray:
    return a**2


@pytest.fixture(scope="module")
def learned():
    rng = np.random.default_rng(0)
    a = waves(24, 80, rng)
    return RandomFeatureOperator(features=200, rng=0).fit(a, squares(a)), a


def test_a_nonlinear_map_is_learned(learned, rng):
    model, a = learned
    other = waves(24, 50, rng)
    errors = relative_errors(model.predict(other), squares(other))
    assert float(np.mean(errors)) < 0.15
    # what cross-validation says is what new samples find
    assert float(np.mean(errors)) == pytest.approx(model.cross_validation_error, rel=0.5)
    assert model.training_error <= model.cross_validation_error
    # fewer features do worse
    few = RandomFeatureOperator(features=10, rng=0).fit(a, squares(a))
    assert few.cross_validation_error > 1.5 * model.cross_validation_error


def test_it_belongs_to_no_grid(learned, rng):
    model, _ = learned
    finer = Grid.uniform([(0, 1)], 96, kind="periodic")
    a = waves(96, 5, rng)
    found = model.predict(a, grid=finer)
    assert np.allclose(found[:, ::4], model.predict(a[:, ::4]), atol=1e-10)
    with pytest.raises(ValueError, match="modes up to 11 need 23"):
        model.predict(a[:, ::6], grid=Grid.uniform([(0, 1)], 16, kind="periodic"))
    with pytest.raises(ValueError, match="or grid="):
        model.predict(a)
    with pytest.raises(ValueError, match="but the fit was on"):
        model.predict(a, grid=Grid.uniform([(0, 2)], 96, kind="periodic"))


def test_coefficients_solve_the_ridge_problem(learned):
    model, a = learned
    g = model._features(a / model._units[0], 200)
    right = (squares(a) / model._units[1] - model._mean).reshape(-1)
    # as least squares: the Gram matrix has twice as many digits to lose
    wide = np.concatenate([g, math.sqrt(model._penalty) * np.eye(200)])
    expected = np.linalg.lstsq(wide, np.append(right, np.zeros(200)), rcond=None)[0]
    assert np.allclose(g @ model.coefficients, g @ expected, atol=1e-5)


def test_the_curve_of_left_out_groups_is_that_of_fits_without_them(rng):
    from structlin.operators.structured._pairs import pairs_of

    a = waves(10, 12, rng)
    model = RandomFeatureOperator(features=15, folds=3, rng=0).fit(a, squares(a))
    pairs = pairs_of(a, squares(a))
    curve, unit = model._left_out(pairs, 15)
    total = 0.0
    for group in (slice(0, 4), slice(4, 8), slice(8, 12)):
        rest = np.delete(np.arange(12), np.arange(12)[group])
        mean = pairs.outputs[rest].mean(axis=0)
        rows = model._features(pairs.inputs[rest], 15)
        right = (pairs.outputs[rest] - mean).reshape(-1)
        c = np.linalg.solve(rows.T @ rows + 1e-3 * unit * np.eye(15), rows.T @ right)
        found = (model._features(pairs.inputs[group], 15) @ c).reshape(4, 10) + mean
        total += float(np.sum(relative_errors(found, pairs.outputs[group])))
    assert curve[10] == pytest.approx(total / 12, rel=1e-6)  # the ridge 1e-3


def test_other_sides_and_activations(rng):
    a = waves(12, 30, rng, ends=True)[:, :, None] * np.ones(8)
    grid = Grid.uniform([(0, 1), (0, 1)], (12, 8), kind=("cell", "periodic"))
    model = RandomFeatureOperator(features=60, modes=(3, 2), activation=np.abs, rng=0)
    model.fit(a, 3 * a + 1, grid=grid)
    assert model.cross_validation_error < 0.2
    with pytest.raises(ValueError, match="periodic axes only"):
        model.predict(a, grid=grid)
    assert "modes up to (3, 2)" in model.report()


def test_array_libraries_agree(library, rng):
    a = waves(12, 12, rng)
    options = {"features": 12, "modes": 4, "folds": 2, "activation": "tanh"}
    expected = RandomFeatureOperator(**options, rng=0).fit(a, squares(a)).predict(a)
    moved = library.asarray(a, np.float32)
    grid = Grid.uniform([(0, 1)], 12, kind="periodic", like=moved)
    model = RandomFeatureOperator(**options, rng=0).fit(moved, moved * moved, grid=grid)
    found = model.predict(moved)
    assert found.dtype == library.dtype("float32")
    assert np.allclose(library.to_numpy(found), expected, atol=0.02)


def test_what_does_not_fit_is_refused(rng):
    a = waves(12, 12, rng)
    with pytest.raises(ValueError, match="activation is 'relu6'"):
        RandomFeatureOperator(activation="relu6")
    with pytest.raises(ValueError, match="features is 0"):
        RandomFeatureOperator(features=0)
    model = RandomFeatureOperator(features=5)
    with pytest.raises(ValueError, match="call fit first"):
        model.predict(a)
    with pytest.raises(ValueError, match="12 samples and 20 folds"):
        RandomFeatureOperator(folds=20).fit(a, a)
    with pytest.raises(ValueError, match="functions on the grid of the inputs"):
        model.fit(a, a[:, :4])
    with pytest.raises(TypeError, match="complex"):
        model.fit(a * 1j, a)
    a[5, 3] = np.nan
    with pytest.raises(ValueError, match=r"sample 5 of inputs has a NaN or Inf at \[3\]"):
        model.fit(a, a)


def test_an_activation_that_is_none_is_named(rng):
    a = waves(8, 6, rng)
    for wrong in (lambda x: x[:1], lambda x: x * np.nan):
        with pytest.raises(ValueError, match="activation returned"):
            RandomFeatureOperator(features=4, folds=2, activation=wrong, rng=0).fit(a, a)
