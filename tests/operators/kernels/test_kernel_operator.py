"""Maps between function spaces, learned by kernels."""

from __future__ import annotations

import pickle
import warnings

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import special

from structlin.bases import Grid
from structlin.operators import (
    KernelOperator,
    LinearOperatorRegression,
    reflections,
    relative_errors,
)
from structlin.operators.kernels._blocks import at_element
from structlin.operators.kernels._features import packed
from structlin.operators.kernels._functions import kernels, slopes
from structlin.operators.kernels._groups import Group, square
from structlin.operators.kernels._systems import Direct, Metric

# few samples, for which the hyper-parameters were not chosen
pytestmark = pytest.mark.filterwarnings("ignore:the (relative|samples contradict)")

x32 = np.arange(32) / 32


def waves(samples, n=32, seed=0, modes=3):
    """Return smooth periodic functions whose first mode is never silent."""
    rng = np.random.default_rng(seed)
    k = np.arange(1, modes + 1)
    a = rng.standard_normal((samples, modes, 2)) / k[:, None] ** 2
    a[:, 0, 0] += 2
    angle = 2 * np.pi * (np.arange(n) / n + rng.random((samples, 1)))
    return sum(
        a[:, j, 0, None] * np.cos(m * angle) + a[:, j, 1, None] * np.sin(m * angle)
        for j, m in enumerate(k)
    )


def squares_and_slopes(U):
    """Return a map that commutes with shifts: u² + u'/10."""
    k = 2j * np.pi * np.fft.rfftfreq(U.shape[1], 1 / U.shape[1])
    return U**2 + np.fft.irfft(k * np.fft.rfft(U), U.shape[1]) / 10


def fields(samples, seed=0):
    """Return functions on a square, and a map that commutes with its symmetries."""
    U = np.random.default_rng(seed).standard_normal((samples, 4, 4))
    P = np.pad(U, ((0, 0), (1, 1), (1, 1)))
    around = P[:, 2:, 1:-1] + P[:, :-2, 1:-1] + P[:, 1:-1, 2:] + P[:, 1:-1, :-2]
    return U, np.tanh(around) * U + around


fixed = {"kernel": "matern52", "metric": 0.5, "length_scale": 4.0, "nugget": 1e-6}


def by_hand(U, V, new, maps, *, exponent=0.5, length=4.0, nugget=1e-6):
    """Return predictions, errors and variances of all images: dense algebra of the formulas."""
    n = len(U)
    X = np.concatenate([g(U) for g in maps]).reshape(len(maps) * n, -1)
    Y = np.concatenate([g(V) for g in maps]).reshape(len(maps) * n, -1)
    mean = X.mean(axis=0)
    s2, Q = np.linalg.eigh((X - mean).T @ (X - mean))
    weights = np.sqrt(np.maximum(s2, 0) / s2[-1]) ** exponent

    def features(A):
        return (A.reshape(len(A), -1) - mean) @ Q * weights

    def distances(A, B):
        return np.sqrt(np.sum((A[:, None] - B) ** 2, axis=2))

    Z = features(X)
    scale = length * np.sort(distances(Z[:n], Z[:n]).ravel())[n * n // 2]

    def kernel(A, B):
        r = np.sqrt(5) * distances(A, B) / scale
        return (1 + r + r**2 / 3) * np.exp(-r)

    K = kernel(Z, Z)
    level = Y.mean(axis=0)
    A = K + nugget * np.eye(len(K))
    k = kernel(features(new), Z)
    predicted = level + k @ np.linalg.solve(A, Y - level)
    variance = 1 - np.sum(k * np.linalg.solve(A, k.T).T, axis=1) + nugget
    left = np.empty((n, Y.shape[1]))
    spread = np.empty(n)
    for i in range(n):
        keep = np.arange(len(K)) % n != i
        some = np.linalg.solve(A[np.ix_(keep, keep)], K[keep][:, [i]])
        left[i] = Y[i] - level - some[:, 0] @ (Y[keep] - level)
        spread[i] = A[i, i] - K[i, keep] @ some[:, 0]
    return predicted, variance, left, spread


@pytest.mark.parametrize("symmetry", [None, "reflection", "square"])
def test_prediction_and_leave_one_out_are_those_of_dense_algebra(library, symmetry):
    U, V = fields(20)
    new = fields(3, seed=1)[0]
    maps = {None: [lambda W: W], "reflection": reflections(ndim=2), "square": square(ndim=2)}
    want, variance, left, spread = by_hand(U, V, new, maps[symmetry])
    learned = KernelOperator(symmetry=symmetry, **fixed)
    learned.fit(library.asarray(U), library.asarray(V))
    got = library.to_numpy(learned.predict(library.asarray(new))).reshape(3, -1)
    np.testing.assert_allclose(got, want, atol=1e-7)
    errors = np.linalg.norm(left, axis=1) / np.linalg.norm(V.reshape(20, -1), axis=1)
    np.testing.assert_allclose(learned.leave_one_out, errors.mean(), rtol=1e-6)
    novelty = library.to_numpy(learned.novelty(library.asarray(new)))
    usual = np.sort(np.sqrt(spread))[int(0.95 * 20)]
    np.testing.assert_allclose(novelty, np.sqrt(variance) / usual, rtol=1e-5)


@pytest.mark.parametrize("symmetry", [None, "square"])
def test_as_many_landmarks_as_samples_are_the_direct_solution(library, symmetry):
    U, V = (library.asarray(W) for W in fields(20))
    new = library.asarray(fields(3, seed=1)[0])
    direct = KernelOperator(symmetry=symmetry, **fixed).fit(U, V)
    few = KernelOperator(symmetry=symmetry, max_direct=10, landmarks=20, rng=0, **fixed).fit(U, V)
    assert few.report().method == "20 landmarks"
    for got, want in zip(
        few.predict(new, return_std=True), direct.predict(new, return_std=True), strict=True
    ):
        np.testing.assert_allclose(library.to_numpy(got), library.to_numpy(want), rtol=1e-4)
    np.testing.assert_allclose(few.leave_one_out, direct.leave_one_out, rtol=1e-4)


def test_landmarks_leave_out_samples_as_fitting_again_does():
    U = waves(120)
    V = squares_and_slopes(U)
    learned = KernelOperator(max_direct=60, landmarks=40, rng=0, **fixed).fit(U, V)
    assert learned.report().method == "40 landmarks"
    new = waves(40, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are far
        predicted, deviation = learned.predict(new, return_std=True)
    error = np.mean(relative_errors(predicted, squares_and_slopes(new)))
    inside = np.abs(predicted - squares_and_slopes(new)) <= 1.645 * deviation
    assert 0.75 < np.mean(inside) < 0.98
    assert 0.5 < error / learned.leave_one_out < 2


@settings(max_examples=5)
@given(s=st.floats(-1, 1), seed=st.integers(0, 9))
def test_learned_maps_commute_with_shifts(s, seed):
    U = waves(30)
    learned = KernelOperator(symmetry="shift", **fixed).fit(U, squares_and_slopes(U))
    k = 2j * np.pi * np.arange(17)

    def shift(W):
        return np.fft.irfft(np.exp(k * s) * np.fft.rfft(W), 32)

    new = waves(2, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are far from so few samples
        np.testing.assert_allclose(
            learned.predict(shift(new)), shift(learned.predict(new)), atol=1e-6
        )


@pytest.mark.parametrize("symmetry", [("shift", "odd"), ("shift", "reflection")])
def test_learned_maps_commute_with_shifts_and_reflections(symmetry):
    U = waves(30)
    sign = -1.0 if symmetry[1] == "odd" else 1.0
    learned = KernelOperator(symmetry=symmetry, **fixed).fit(U, U**3)
    assert learned.report().symmetry == "shifts, by turning samples and 2 elements, by augmentation"
    new = waves(2, seed=1)
    turned = sign * np.roll(new[:, ::-1], 5, axis=1)
    want = sign * np.roll(learned.predict(new)[:, ::-1], 5, axis=1)
    np.testing.assert_allclose(learned.predict(turned), want, atol=1e-6)


def test_learned_maps_commute_with_the_square():
    U, V = fields(30)
    learned = KernelOperator(symmetry="square", **fixed).fit(U, V)
    new = fields(2, seed=1)[0]
    for g in square(ndim=2):
        np.testing.assert_allclose(learned.predict(g(new)), g(learned.predict(new)), atol=1e-8)
        deviations = [learned.predict(W, return_std=True)[1] for W in (new, g(new))]
        np.testing.assert_allclose(deviations[1], g(deviations[0]), atol=1e-8)


def test_symmetry_helps_and_leaving_out_tells():
    U, new = waves(60), waves(50, seed=1)
    found = []
    for symmetry in (None, "shift"):
        learned = KernelOperator(symmetry=symmetry, rng=0).fit(U, squares_and_slopes(U))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            error = np.mean(relative_errors(learned.predict(new), squares_and_slopes(new)))
        assert 0.3 < learned.leave_one_out / error < 3
        found.append(error)
    assert found[1] < found[0] / 3
    assert learned.leave_one_out < learned.baseline.leave_one_out
    assert "leave one out" in str(learned.report())


@pytest.mark.parametrize("features", ["pca", "pod", "fourier", "dct", "grid", "own"])
def test_features(library, features):
    U = waves(40)
    own = (lambda W: W[:, ::4]) if features == "own" else features
    learned = KernelOperator("rq", features=own, nugget=1e-8, metric=0.0)
    learned.fit(library.asarray(U), library.asarray(U**2), grid=None)
    got = library.to_numpy(learned.predict(library.asarray(U)))
    np.testing.assert_allclose(got, U**2, atol=5e-3 * np.max(U**2))


def test_orthonormal_features_have_the_same_distances():
    U, V = fields(20)
    new = fields(3, seed=1)[0]
    found = [
        KernelOperator("imq", features=kind, metric=0.0, length_scale=2.0, nugget=1e-8)
        .fit(U, V)
        .predict(new)
        for kind in ("grid", "pca", "fourier", "dct", "pod")
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)


def test_other_grids_are_interpolated_on_request():
    grid = Grid.uniform([(0, 1)], 32, kind="periodic")
    fine = Grid.uniform([(0, 1)], 64, kind="periodic")
    U = waves(40)
    learned = KernelOperator(symmetry="shift", **fixed).fit(U, U**2, grid=grid)
    want, deviation = learned.predict(U[:3], return_std=True)
    new = waves(40, n=64)[:3]
    got, fine_deviation = learned.predict(new, grid=fine, return_std=True)
    assert got.shape == fine_deviation.shape == (3, 64)
    np.testing.assert_allclose(got[:, ::2], want, atol=1e-8)
    np.testing.assert_allclose(fine_deviation[:, ::2], deviation, atol=1e-8)
    np.testing.assert_allclose(learned.predict(new, grid=fine, output_grid=grid), want, atol=1e-8)
    assert learned.predict(U[:3], output_grid=fine).shape == (3, 64)


def test_grids_that_do_not_fit_are_refused():
    grid = Grid.uniform([(0, 1)], 32, kind="periodic")
    U = waves(10)
    learned = KernelOperator(**fixed).fit(U, U**2, grid=grid)
    with pytest.raises(ValueError, match=r"shape \(16,\) but \(32,\) is expected: .* interpolates"):
        learned.predict(U[:, ::2])
    with pytest.raises(
        ValueError, match=r"functions on \[0, 2\] along axis 0 are wanted on \[0, 1\]"
    ):
        learned.predict(U, grid=Grid.uniform([(0, 2)], 32, kind="periodic"))
    without = KernelOperator(**fixed).fit(U, U**2)
    with pytest.raises(ValueError, match="fit had none"):
        without.predict(U, grid=grid)
    with pytest.raises(ValueError, match="fit had none"):
        without.predict(U, output_grid=grid)
    with pytest.raises(ValueError, match=r"shape \(32,\) but \(16,\) is expected"):
        KernelOperator().fit(U, U, grid=Grid.uniform([(0, 1)], 16))


def test_bad_samples_are_named():
    U = waves(10)
    bad = U.copy()
    bad[7, 3] = np.nan
    with pytest.raises(ValueError, match="sample 7 of inputs has a NaN"):
        KernelOperator().fit(bad, U)
    with pytest.raises(ValueError, match="sample 7 of outputs has a NaN"):
        KernelOperator().fit(U, bad)
    learned = KernelOperator(**fixed).fit(U, U)
    with pytest.raises(ValueError, match="sample 7 of inputs has a NaN"):
        learned.predict(bad)
    with pytest.raises(ValueError, match="10 inputs and 9 outputs"):
        KernelOperator().fit(U, U[:9])
    with pytest.raises(ValueError, match="pass 3 or more"):
        KernelOperator().fit(U[:2], U[:2])
    with pytest.raises(ValueError, match="learned nothing yet"):
        KernelOperator().predict(U)
    with pytest.raises(TypeError, match="those of the fit were real"):
        learned.predict(1j * U)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kernel": "cubic"}, "kernel is 'cubic'"),
        ({"features": "wavelet"}, "features is 'wavelet'"),
        ({"metric": -1.0}, "metric is -1.0"),
        ({"length_scale": 0.0}, "length_scale is 0.0"),
        ({"nugget": "none"}, "nugget is 'none'"),
        ({"symmetry": "circle"}, "symmetry is 'circle'"),
        ({"symmetry": ("shift",)}, "pass a name, a pair"),
        ({"symmetry": []}, "pass a name, a pair"),
        ({"kernel": ()}, r"kernel is \(\)"),
        ({"modes": 0}, "modes is 0"),
        ({"metric": None}, "pass a number of 0 or more, or 'auto' or 'gradient'"),
        ({"landmarks": 0}, "landmarks is 0"),
    ],
)
def test_options_that_are_none(options, told):
    with pytest.raises(ValueError, match=told):
        KernelOperator(**options)


def test_features_must_go_with_the_symmetry():
    U, V = fields(10)
    with pytest.raises(ValueError, match="changes the distances of features"):
        KernelOperator(features=lambda W: W[:, 0], symmetry="square").fit(U, V)


def test_an_ill_conditioned_matrix_gets_a_larger_nugget():
    U = np.repeat(waves(10), 2, axis=0)
    with pytest.warns(UserWarning, match=r"ill-conditioned: instead of the nugget 0.0e\+00"):
        learned = KernelOperator("rbf", metric=0.5, length_scale=100.0, nugget=0.0).fit(U, U**2)
    assert learned.nugget_raised
    assert "raised" in str(learned.report())


def test_inputs_far_from_the_samples_are_flagged():
    U = waves(60)
    learned = KernelOperator(symmetry="shift", **fixed).fit(U, U**2)
    new = np.concatenate([U[:3], 50 * U[:1]])
    with pytest.warns(UserWarning, match="1 of 4 inputs are far .* input 3"):
        learned.predict(new)
    assert np.argmax(learned.novelty(new)) == 3


def test_deviations_cover_ninety_percent():
    U, new = waves(150), waves(200, seed=1)
    learned = KernelOperator("matern52", symmetry="shift", rng=0).fit(U, squares_and_slopes(U))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted, deviation = learned.predict(new, return_std=True)
    inside = np.abs(predicted - squares_and_slopes(new)) <= 1.645 * deviation
    assert 0.8 < np.mean(inside) < 0.97


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_do_not_matter(scale):
    U = waves(30)
    one = KernelOperator(symmetry="shift", **fixed).fit(U, U**2)
    other = KernelOperator(symmetry="shift", **fixed).fit(scale * U, U**2 / scale)
    want, deviation = one.predict(U, return_std=True)
    got, scaled = other.predict(scale * U, return_std=True)
    np.testing.assert_allclose(got * scale, want, atol=1e-8)
    np.testing.assert_allclose(scaled * scale, deviation, rtol=1e-3)


def test_single_precision_and_complex_functions():
    U = waves(30)
    single = KernelOperator(**fixed).fit(U.astype(np.float32), (U**2).astype(np.float32))
    assert single.predict(U).dtype == np.float32
    whole = U + 1j * np.roll(U, 3, axis=1)
    learned = KernelOperator(symmetry="shift", **fixed).fit(whole, whole**2)
    predicted, deviation = learned.predict(whole, return_std=True)
    assert predicted.dtype == np.complex128
    assert deviation.dtype == np.float64
    np.testing.assert_allclose(predicted, whole**2, atol=5e-3 * np.max(np.abs(whole**2)))


@pytest.mark.parametrize("metric", ["auto", "gradient"])
def test_constant_data(metric):
    U = np.ones((5, 4))
    learned = KernelOperator(metric=metric).fit(U, 3 * U)
    np.testing.assert_allclose(learned.predict(U), 3 * U)
    W = waves(20)
    learned = KernelOperator("matern52", metric=metric).fit(W, np.zeros((20, 3)))
    assert not learned.predict(W).any()


@pytest.mark.parametrize("symmetry", [None, ("shift", "odd")])
def test_no_new_inputs_and_copies(symmetry):
    U = waves(30)
    learned = KernelOperator(symmetry=symmetry, **fixed).fit(U, U**2)
    mean, deviation = learned.predict(U[:0], return_std=True)
    assert mean.shape == deviation.shape == (0, 32)
    assert learned.novelty(U[:0]).shape == (0,)
    again = pickle.loads(pickle.dumps(learned))
    assert (again.predict(U) == learned.predict(U)).all()


def test_other_array_libraries_are_refused():
    U = waves(10)
    for learned in (KernelOperator(**fixed), LinearOperatorRegression()):
        with pytest.raises(ValueError, match="has learned nothing yet"):
            learned.report()
        learned.fit(U, U)
        with pytest.raises(TypeError, match="are mixed"):
            learned.predict(array_api_strict.asarray(U))


def test_functions_of_the_user_are_checked():
    U = waves(10)
    same = np.asarray
    with pytest.raises(ValueError, match="NaN or Inf for input 0"):
        KernelOperator(features=lambda W: W * np.nan, **fixed).fit(U, U)
    learned = KernelOperator(symmetry=[same, (np.negative, lambda W: 2 * W)], **fixed)
    with pytest.raises(ValueError, match="changes the norms of outputs"):
        learned.fit(U, U)
    with pytest.raises(ValueError, match="has learned nothing yet"):
        learned.predict(U)
    odd = KernelOperator(symmetry=[(np.negative, np.negative), same], **fixed).fit(U, U**3)
    np.testing.assert_allclose(odd.predict(-U), -odd.predict(U), atol=1e-8)


def test_weights_of_images_are_images_of_weights():
    U, V = fields(6)
    group = Group(square(ndim=2), U, (4, 4))
    features, outputs = ([packed(g(W)) for g in group.on_inputs] for W in (U, V))
    system = Direct(Metric("matern52", 3.0), group, features, 1e-3)
    blocks = system.fit(outputs)
    weights = system.weights.reshape(6, 4, 4)
    for k, g in enumerate(group.on_outputs):
        found = at_element(blocks, group, 16, k)
        np.testing.assert_allclose(found, packed(g(weights)), atol=1e-12)


def test_saved_and_loaded(tmp_path):
    U = waves(30)
    grid = Grid.uniform([(0, 1)], 32, kind="periodic")
    learned = KernelOperator(symmetry=("shift", "odd"), rng=0).fit(U, U**3, grid=grid)
    learned.save(tmp_path / "map.npz")
    again = KernelOperator.load(tmp_path / "map.npz")
    assert again.choice.kernel == learned.choice.kernel
    assert again.grid.kinds == grid.kinds
    np.testing.assert_allclose(again.predict(U), learned.predict(U), atol=1e-6)
    again.save(tmp_path / "again.npz")
    twice = KernelOperator.load(tmp_path / "again.npz")
    assert (twice.predict(U) == again.predict(U)).all()
    with pytest.raises(TypeError, match="not functions"):
        KernelOperator(features=lambda W: W, **fixed).fit(U, U).save(tmp_path / "other.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="holds no KernelOperator"):
        KernelOperator.load(tmp_path / "broken.npz")


def test_the_baseline_is_the_linear_map():
    U = waves(20)
    learned = KernelOperator(**fixed).fit(U, U**2)
    assert isinstance(learned.baseline, LinearOperatorRegression)
    with pytest.warns(UserWarning, match=r"worse than that .* take LinearOperatorRegression"):
        linear = KernelOperator(**fixed).fit(U, np.roll(U, 1, axis=1))
    assert "take LinearOperatorRegression" in str(linear.report())
    assert repr(linear).startswith("<KernelOperator matern52, 20 samples")
    assert repr(KernelOperator("rq")) == "<KernelOperator rq, not fitted>"


def test_directions_of_change_are_learned(library):
    # of twelve values of an input, one combination matters
    rng = np.random.default_rng(0)
    a = rng.standard_normal(12) / 3
    U, new = rng.standard_normal((80, 12)), rng.standard_normal((50, 12))

    def ridge(W):
        return np.sin(W @ a)[:, None] * np.array([1.0, 2.0, 3.0])

    found = []
    for metric in (0.0, "gradient"):
        learned = KernelOperator("matern52", metric=metric, rng=0)
        learned.fit(library.asarray(U), library.asarray(ridge(U)))
        predicted = library.to_numpy(learned.predict(library.asarray(new)))
        found.append(np.linalg.norm(predicted - ridge(new)) / np.linalg.norm(ridge(new)))
    assert found[1] < found[0] / 2


def test_learned_directions_keep_the_symmetry(tmp_path):
    U = fields(60)[0]
    learned = KernelOperator("matern52", metric="gradient", symmetry="square", rng=0)
    learned.fit(U, np.tanh(np.mean(U, axis=(1, 2), keepdims=True)) * np.ones((4, 4)))
    assert learned.report().directions is not None
    new = fields(2, seed=1)[0]
    for g in square(ndim=2):
        np.testing.assert_allclose(learned.predict(g(new)), g(learned.predict(new)), atol=1e-6)
    learned.save(tmp_path / "map.npz")
    again = KernelOperator.load(tmp_path / "map.npz")
    np.testing.assert_allclose(again.predict(new), learned.predict(new), atol=1e-9)
    assert again.leave_one_out == pytest.approx(learned.leave_one_out)


def test_gradients_need_all_samples():
    U = waves(20)
    with pytest.raises(ValueError, match="pass max_direct of 20 or more"):
        KernelOperator(metric="gradient", max_direct=10).fit(U, U)


@pytest.mark.parametrize("name", sorted(kernels))
def test_kernels_and_their_slopes(library, name):
    squares = np.array([0.0, 0.01, 0.5, 2.0, 30.0])
    values = library.to_numpy(kernels[name](library.asarray(squares)))
    assert values[0] == 1.0
    assert np.all(np.diff(values) < 0)
    step = 1e-6
    rising, falling = (kernels[name](squares[1:] + h) for h in (step, -step))
    slope = library.to_numpy(slopes[name](library.asarray(squares)))
    np.testing.assert_allclose(slope[1:], (rising - falling) / (2 * step), rtol=1e-5, atol=1e-9)
    nu = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5, "matern72": 3.5, "matern92": 4.5}
    if name in nu:
        r = np.sqrt(2 * nu[name] * squares[1:])
        want = 2 * (r / 2) ** nu[name] * special.kv(nu[name], r) / special.gamma(nu[name])
        np.testing.assert_allclose(values[1:], want, rtol=1e-12)


def test_a_symmetry_that_the_map_lacks_is_told():
    grid = Grid.uniform([(0, 1)], 32, kind="periodic")
    U = waves(40)
    V = U * np.cos(2 * np.pi * grid.axes[0])
    with pytest.warns(UserWarning, match="contradict the symmetry: .* take another symmetry"):
        KernelOperator(symmetry="shift", **fixed).fit(U, V, grid=grid)
    with pytest.warns(UserWarning, match="contradict the symmetry: .* take another symmetry"):
        KernelOperator(symmetry="odd", rng=0).fit(U, U**2, grid=grid)
    noise = np.random.default_rng(0).standard_normal((12, 32))
    with pytest.warns(UserWarning, match="predicting zero, 1: take more samples"):
        KernelOperator(**fixed).fit(noise, np.roll(noise, 1, axis=0))


def test_one_function_is_no_batch():
    U = waves(20)
    for learned in (KernelOperator(**fixed), LinearOperatorRegression()):
        with pytest.raises(ValueError, match=r"outputs\[:, None\] for a number per sample"):
            learned.fit(U, U[:, 0])
        learned.fit(U, U**2)
        with pytest.raises(ValueError, match=r"one sample: .* pass inputs\[None\]"):
            learned.predict(U[0])


def test_the_report_says_what_error_bars_are():
    text = str(KernelOperator(**fixed).fit(waves(20), waves(20) ** 2).report())
    assert "90 % of errors at samples left out" in text
