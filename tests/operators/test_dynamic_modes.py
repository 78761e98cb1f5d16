"""Dynamic modes: spectra that are known, residuals that tell, forecasts."""

from __future__ import annotations

import pickle

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from structlin.operators import DynamicModes, monomials

rotation = 0.7


def angles(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 2 * np.pi, count)


def circle(theta: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(theta), np.sin(theta)], axis=1)


def waves(states: np.ndarray) -> np.ndarray:
    """Return Fourier modes −4 to 4 of points of the circle."""
    z = states[:, 0] + 1j * states[:, 1]
    return np.stack([z**k for k in range(-4, 5)], axis=1)


def matched(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest distance of an expected number from the nearest found one."""
    return float(np.max(np.min(np.abs(found[:, None] - np.asarray(expected)), axis=0)))


@given(seed=st.integers(0, 50), m=st.integers(1, 5), is_complex=st.booleans())
def test_linear_maps_are_found(seed, m, is_complex):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, m))
    X = rng.standard_normal((3 * m + 2, m))
    if is_complex:
        A, X = A + 1j * rng.standard_normal((m, m)), X + 1j * rng.standard_normal(X.shape)
    model = DynamicModes().fit(X, X @ A.T)
    scale = np.linalg.norm(A)
    condition = np.linalg.cond(np.linalg.eig(A).eigenvectors)
    rounding = 1e-12 * scale * condition * np.linalg.cond(X)
    assert matched(model.eigenvalues, np.linalg.eigvals(A)) <= rounding
    assert np.max(model.residuals) <= rounding * condition
    modes = model.modes
    for value, mode in zip(model.eigenvalues, modes, strict=True):
        assert_allclose(A @ mode, value * mode, rtol=0, atol=rounding * np.linalg.norm(modes))
    assert_allclose(model.predict(X), X @ A.T, rtol=0, atol=rounding * condition * 10)
    later = model.forecast(X[:2], 3)
    assert later.shape == (2, 3, m)
    power = np.linalg.matrix_power(A.T, 3)
    assert_allclose(later[:, 2], X[:2] @ power, rtol=0, atol=1e2 * rounding * condition * scale**2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("features", ["state", monomials(1), "rbf"])
def test_array_libraries(library, dtype, features):
    theta = angles(60)
    X, Y = circle(theta), circle(theta + rotation)
    X, Y = (library.asarray(states.astype(dtype)) for states in (X, Y))
    model = DynamicModes(features).fit(X, Y)
    expected = np.exp([1j * rotation, -1j * rotation])
    assert matched(model.eigenvalues, expected) < 1e-4
    later = model.forecast(X, 4)
    assert later.dtype == X.dtype
    assert later.device == X.device
    assert_allclose(library.to_numpy(later)[:, 3], circle(theta + 4 * rotation), rtol=0, atol=1e-3)
    assert_allclose(
        library.to_numpy(model.predict(X)), library.to_numpy(later)[:, 0], rtol=0, atol=1e-6
    )


def test_waves_of_a_field_have_their_rates():
    # two waves on a grid, one growing and one damped
    x, dt = np.linspace(0, 1, 50), 0.1
    t = dt * np.arange(30)[:, None, None]
    growing = np.exp((0.2 + 3j) * t) * np.exp(-9j * x)[:, None]
    damped = np.exp((-0.5 + 7j) * t) * np.exp(-20j * x)[:, None]
    field = np.real(growing + damped) * np.array([1.0, 2.0])
    model = DynamicModes(rank=4).fit(field)
    expected = [0.2 + 3j, 0.2 - 3j, -0.5 + 7j, -0.5 - 7j]
    assert matched(model.rates(dt), expected) < 1e-9
    assert model.modes.shape == (4, 50, 2)
    assert_allclose(model.forecast(field[:1], 29)[0], field[1:], atol=1e-8)
    assert model.rank == 4
    assert np.max(model.residuals) < 1e-9


def test_total_least_squares_have_no_bias():
    rng = np.random.default_rng(5)
    A = np.array([[0.8, -0.55], [0.55, 0.8]])
    states = [np.array([1.0, 0.0])]
    for _ in range(2000):
        states.append(A @ states[-1] / np.linalg.norm(A @ states[-1]))
    noisy = np.asarray(states) + 0.2 * rng.standard_normal((2001, 2))
    modulus = {
        total: abs(DynamicModes(rank=2, total=total).fit(noisy).eigenvalues[0])
        for total in (False, True)
    }
    # noise of variance s² shrinks least squares by 1/(1 + 2 s²)
    assert modulus[False] == pytest.approx(1 / 1.08, abs=0.02)
    assert modulus[True] == pytest.approx(1, abs=0.01)


def test_a_dictionary_makes_a_nonlinear_map_linear():
    # x → λ x, y → μ y + (λ² − μ) x²: x, x² and y − x² are eigenfunctions, and their products
    lam, mu = 0.9, 0.5
    X = np.random.default_rng(1).uniform(-1, 1, (80, 2))
    Y = np.stack([lam * X[:, 0], mu * X[:, 1] + (lam**2 - mu) * X[:, 0] ** 2], axis=1)

    def features(states):
        x, y = states[:, 0], states[:, 1]
        return np.stack([x, y, x**2], axis=1)

    model = DynamicModes(features).fit(X, Y)
    assert_allclose(model.eigenvalues, [lam, lam**2, mu], atol=1e-12)
    assert np.max(model.residuals) < 1e-10
    assert_allclose(model.predict(X), Y, atol=1e-12)
    phi = model.eigenfunctions(X)
    assert_allclose(np.mean(np.abs(phi) ** 2, axis=0), 1)
    exact = X[:, 1] - X[:, 0] ** 2
    assert_allclose(phi[:, 2] / phi[0, 2], exact / exact[0], atol=1e-9)


def test_rotations_have_unit_spectra_and_exact_residuals():
    theta = 2 * np.pi * np.arange(32) / 32
    model = DynamicModes(waves).fit(circle(theta), circle(theta + rotation))
    expected = np.exp(1j * rotation * np.arange(-4, 5))
    assert matched(model.eigenvalues, expected) < 1e-12
    assert np.max(model.residuals) < 1e-12
    # of a normal operator, the least residual is the distance from the spectrum
    points = np.array([[0.5, 0.9j], [1.5, expected[3]]])
    distance = np.min(np.abs(points[..., None] - expected), axis=-1)
    assert_allclose(model.pseudospectrum(points), distance, atol=1e-12)


def test_residuals_expose_eigenvalues_that_are_none():
    # doubling of the angle is an isometry: an eigenpair inside the disc has residual √(1 − |λ|²)
    theta = 2 * np.pi * np.arange(64) / 64
    model = DynamicModes(waves).fit(circle(theta), circle(2 * theta))
    assert_allclose(model.residuals**2, 1 - np.abs(model.eigenvalues) ** 2, atol=1e-9)
    true = model.verified(1e-6)
    assert_allclose(true.eigenvalues, [1], atol=1e-9)  # the constants
    assert len(model.eigenvalues) == 9
    with pytest.raises(ValueError, match="no residual is at most -1"):
        model.verified(-1)


@pytest.mark.parametrize("kernel", ["rbf", "imq", "matern52"])
def test_kernels_find_rotations(kernel):
    theta = angles(120)
    model = DynamicModes(kernel, rank=15).fit(circle(theta), circle(theta + rotation))
    expected = np.exp(1j * rotation * np.arange(-2, 3))
    assert matched(model.eigenvalues, expected) < 0.02
    assert matched(model.verified(0.1).eigenvalues, expected) < 0.02
    assert_allclose(
        model.verified(0.1).forecast(circle(theta[:5]), 10)[:, -1],
        circle(theta[:5] + 10 * rotation),
        atol=0.05,
    )


def test_residuals_are_of_pairs_that_were_not_fitted_where_those_would_flatter():
    # noise: any matrix fits as many pairs as it has directions
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 40, 60))
    model = DynamicModes().fit(X, Y)
    assert (model.pairs, model.checked) == (30, 10)
    assert np.min(model.residuals) > 0.5
    flattered = DynamicModes(holdout=0.0).fit(X, Y)
    assert (flattered.pairs, flattered.checked) == (40, 40)
    assert np.max(flattered.residuals) < 1e-8
    assert DynamicModes(rank=2, holdout=0.5).fit(X, Y).checked == 20


@pytest.mark.parametrize("features", ["state", "rbf"])
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_do_not_matter(features, scale):
    theta = angles(50)
    X, Y = circle(theta), circle(theta + rotation)
    plain, scaled = (DynamicModes(features, rank=5).fit(s * X, s * Y) for s in (1.0, scale))
    assert_allclose(scaled.eigenvalues, plain.eigenvalues, atol=1e-8)
    assert_allclose(scaled.predict(scale * X) / scale, plain.predict(X), atol=1e-8)


@pytest.mark.parametrize("features", ["state", "rq", waves])
def test_files(tmp_path, features):
    theta = angles(50)
    model = DynamicModes(features, rank=5).fit(circle(theta), circle(theta + rotation))
    model.save(tmp_path / "model.npz")
    dictionary = features if callable(features) else None
    same = DynamicModes.load(tmp_path / "model.npz", features=dictionary)
    assert_allclose(same.forecast(circle(theta), 3), model.forecast(circle(theta), 3), rtol=1e-14)
    assert np.array_equal(same.residuals, model.residuals)
    assert same.report() == model.report()
    with pytest.raises(ValueError, match="features"):
        DynamicModes.load(tmp_path / "model.npz", features=None if dictionary else waves)
    (tmp_path / "other").write_text("x")
    with pytest.raises(ValueError, match="holds no DynamicModes"):
        DynamicModes.load(tmp_path / "other")


def test_monomials_are_all_products():
    X = np.array([[2.0, 3.0, 5.0]])
    assert_allclose(monomials(2)(X), [[1, 2, 3, 5, 4, 6, 10, 9, 15, 25]])
    assert monomials(0)(X).shape == (1, 1)
    with pytest.raises(ValueError, match="degree is -1"):
        monomials(-1)


def test_bad_input():
    X = np.random.default_rng(0).standard_normal((10, 3))
    model = DynamicModes()
    with pytest.raises(ValueError, match="call fit first"):
        model.predict(X)
    with pytest.raises(ValueError, match="call fit first"):
        model.report()
    bad = X.copy()
    bad[4, 1] = np.nan
    with pytest.raises(ValueError, match="sample 4 of outputs has a NaN"):
        model.fit(X, bad)
    with pytest.raises(ValueError, match="pass pairs"):
        model.fit(X, X[1:])
    with pytest.raises(ValueError, match="one step later"):
        model.fit(X, X[:, :2])
    with pytest.raises(ValueError, match="pass two or more"):
        model.fit(X[:2])
    with pytest.raises(ValueError, match="all inputs are zero"):
        model.fit(0 * X, X)
    model.fit(X, X)
    with pytest.raises(ValueError, match=r"pass \(n, 3\), states of the shape of the fit"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="steps is 0"):
        model.forecast(X, 0)
    with pytest.raises(ValueError, match="dt is 0"):
        model.rates(0)
    with pytest.raises(ValueError, match="rank=1 or less"):
        DynamicModes("rbf").fit(X, X).pseudospectrum(0)
    with pytest.raises(ValueError, match="must return an"):
        DynamicModes(lambda states: states[:, 0]).fit(X, X)
    with pytest.raises(ValueError, match="feature 1 of sample 0 is NaN"):
        DynamicModes(lambda states: states * [1, np.inf, 1]).fit(abs(X), X)
    for options, message in [
        ({"features": "cubic"}, "features is 'cubic'"),
        ({"rank": 0}, "rank is 0"),
        ({"total": True}, "need a rank"),
        ({"tol": 2}, "tol is 2"),
        ({"length_scale": 0}, "length_scale is 0"),
        ({"holdout": 0.9}, r"holdout is 0\.9"),
    ]:
        with pytest.raises(ValueError, match=message):
            DynamicModes(**options)
    assert repr(DynamicModes("rbf")) == "<DynamicModes of rbf, not fitted>"
    assert "10 pairs, 3 eigenvalues" in repr(model)
    assert "modulus" in model.report()


def test_no_states_have_no_future(library):
    states = library.asarray(np.eye(3))
    for features in ("state", "rbf", monomials(2)):
        model = DynamicModes(features).fit(states)
        assert model.forecast(states[:0, ...], 4).shape == (0, 4, 3)


def test_a_fit_that_fails_leaves_what_was_learned():
    states = np.eye(3)
    model = DynamicModes().fit(states)
    before = model.predict(states)
    with pytest.raises(ValueError, match="nothing to learn"):
        model.fit(np.zeros((4, 2)))
    assert_allclose(model.predict(states), before)


def test_eigenvalues_of_zero_and_tiny_ones():
    states = np.random.default_rng(0).standard_normal((8, 3))
    assert np.all(DynamicModes().fit(states, 0 * states).rates(0.5) == -np.inf)
    tiny = DynamicModes().fit(states, 1e-100 * states @ np.diag([1.0, 3.0, 2.0]))
    assert_allclose(tiny.eigenvalues, [3e-100, 2e-100, 1e-100])


def test_a_dictionary_of_monomials_can_be_pickled():
    states = np.random.default_rng(0).standard_normal((8, 2))
    model = DynamicModes(monomials(2)).fit(states)
    assert_allclose(pickle.loads(pickle.dumps(model)).predict(states), model.predict(states))


def test_what_makes_no_sense_is_refused():
    states = np.random.default_rng(0).standard_normal((9, 2))
    model = DynamicModes().fit(states)
    with pytest.raises(ValueError, match="not been fitted"):
        _ = DynamicModes().modes
    growing = DynamicModes().fit(states, 2 * states)
    with pytest.raises(ValueError, match="ask for 1024 or fewer"):
        growing.forecast(states, 5000)
    assert_allclose(growing.forecast(states, 900)[:, -1], 2.0**900 * states)
    with pytest.raises(ValueError, match="a point is NaN or Inf"):
        model.pseudospectrum([np.nan])
    with pytest.raises(ValueError, match="pass a number"):
        model.verified("most")
    with pytest.raises(ValueError, match="1 features of inputs but 2 of outputs"):
        DynamicModes(lambda x: np.ones((len(x), 1 + int(x[0, 0] == 0)))).fit(states, 0 * states)


@pytest.mark.parametrize("content", ["array", "list"])
def test_other_archives_are_no_models(tmp_path, content):
    path = tmp_path / "other.npz"
    with open(path, "wb") as file:
        if content == "array":
            np.save(file, np.ones(3))
        else:
            np.savez(file, about=np.asarray("[]"))
    with pytest.raises(ValueError, match="holds no DynamicModes"):
        DynamicModes.load(path)


def test_one_state_and_several_evolutions():
    u = np.random.default_rng(0).standard_normal((4, 9, 3))
    model = DynamicModes().fit(u[:, :-1].reshape(-1, 3), u[:, 1:].reshape(-1, 3))
    with pytest.raises(ValueError, match=r"pass initial\[None\]"):
        model.forecast(u[0, 0], 10)
    with pytest.raises(ValueError, match=r"for several evolutions, .* pass fit inputs=… and"):
        model.fit(u).forecast(u[:, 0], 10)
    with pytest.raises(ValueError, match="for several evolutions"):
        model.fit(u[:2])
