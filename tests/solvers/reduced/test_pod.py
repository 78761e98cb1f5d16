"""Proper orthogonal decomposition: optimality, inner products, precision, bad input."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin.matrices import Dense
from structlin.sketching import RowBlocks
from structlin.solvers import POD, StreamingPOD, pod
from tests.solvers.reduced.fields import decaying, positive_definite, pulses

DTYPES = ["float32", "float64", "complex64", "complex128"]


def gram(basis, M=None):
    """Return the inner products of the modes."""
    V = np.asarray(basis.modes).reshape(basis.rank, -1)
    return V.conj() @ (V.T if M is None else M @ V.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", ["gram", "randomized"])
def test_modes_are_right_singular_vectors(library, rng, dtype, method):
    S, values = decaying(rng, 30, 120, rate=0.5, dtype=dtype)
    S = S.astype(dtype)
    basis = pod(library.asarray(S.reshape(30, 10, 12)), 6, method=method, rng=0)
    eps = np.finfo(dtype).eps
    assert basis.modes.shape == (6, 10, 12)
    assert basis.modes.dtype == library.dtype(dtype)
    V = library.to_numpy(basis.rows)
    np.testing.assert_allclose(V.conj() @ V.T, np.eye(6), atol=200 * eps)
    np.testing.assert_allclose(
        library.to_numpy(basis.singular_values)[:6], values[:6], rtol=1e3 * eps
    )
    right = np.linalg.svd(S, full_matrices=False)[2][:6]
    np.testing.assert_allclose(np.abs(np.sum(V.conj() * right, axis=1)), 1, rtol=1e4 * eps)
    best = np.linalg.norm(values[6:]) / np.linalg.norm(values)
    assert basis.error == pytest.approx(best, rel=1e-3)


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 10**6), st.sampled_from([0.9, 0.1]))
def test_a_tolerance_takes_the_fewest_modes(samples, n, seed, rate):
    S, values = decaying(np.random.default_rng(seed), samples, n, rate=rate)
    basis = pod(S, tol=0.05)
    left = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1] / np.linalg.norm(values)
    fewest = int(np.sum(left > 0.05))  # left[k] is the error of k modes
    assert basis.rank == fewest
    error = np.linalg.norm(S - basis.project(S)) / np.linalg.norm(S)
    assert error == pytest.approx(basis.error, abs=1e-12)
    assert error <= 0.05


def test_small_singular_values_are_accurate(rng):
    # their squares are beyond the precision of a Gram matrix
    S, values = decaying(rng, 40, 200, rate=10**-0.3)
    basis = pod(S, 40)
    np.testing.assert_allclose(gram(basis), np.eye(40), atol=1e-13)
    seen = values > 1e-10
    np.testing.assert_allclose(basis.singular_values[seen], values[seen], rtol=1e-4)
    assert np.max(basis.projection_errors(S)) < 1e-9


@pytest.mark.parametrize("kind", ["weights", "dense", "sparse", "operator"])
def test_every_inner_product(rng, kind):
    S = pulses(np.linspace(0, 1, 30), 60)
    M = np.diag(rng.uniform(0.5, 2, 60)) if kind == "weights" else positive_definite(rng, 60)
    mass = {
        "weights": np.diag(M),
        "dense": M,
        "sparse": scipy.sparse.csr_array(M),
        "operator": Dense(M),
    }[kind]
    basis = pod(S, 8, mass=mass)
    np.testing.assert_allclose(gram(basis, M), np.eye(8), atol=1e-11)
    # with a factor of M, singular values are those of a matrix
    L = np.linalg.cholesky(M)
    values = np.linalg.svd(S @ L, compute_uv=False)
    np.testing.assert_allclose(basis.singular_values[:8], values[:8], rtol=1e-10)
    assert basis.error == pytest.approx(np.linalg.norm(values[8:]) / np.linalg.norm(values))
    missed = (S - basis.project(S)) @ L
    expected = np.linalg.norm(missed, axis=1) / np.linalg.norm(S @ L, axis=1)
    np.testing.assert_allclose(basis.projection_errors(S), expected, rtol=1e-8)


def test_randomized_weights(rng):
    S, weights = pulses(np.linspace(0, 1, 40), 90), rng.uniform(0.5, 2, 90)
    basis = pod(S, 5, mass=weights, method="randomized", rng=0)
    np.testing.assert_allclose(gram(basis, np.diag(weights)), np.eye(5), atol=1e-12)
    exact = pod(S, 5, mass=weights)
    np.testing.assert_allclose(basis.singular_values, exact.singular_values[:5], rtol=1e-8)


def test_blocks_of_rows(rng):
    S = pulses(np.linspace(0, 1, 200), 50)
    basis = pod(RowBlocks(S, chunk=30), 6, rng=0)
    assert np.linalg.norm(S - basis.project(S)) == pytest.approx(basis.error * basis.norm, rel=0.1)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_scale_does_not_matter(scale):
    S = pulses(np.linspace(0, 1, 20))
    small, large = pod(S, 5), pod(S * scale, 5)
    np.testing.assert_allclose(large.singular_values, scale * small.singular_values, rtol=1e-10)
    np.testing.assert_allclose(
        large.projection_errors(S * scale), small.projection_errors(S), rtol=1e-8
    )


def test_centred_snapshots(library, rng):
    S = 3.0 + pulses(np.linspace(0, 1, 20)).reshape(20, 8, 10)
    basis = pod(library.asarray(S), tol=1e-9, center=True)
    np.testing.assert_allclose(library.to_numpy(basis.mean), np.mean(S, axis=0), rtol=1e-12)
    assert basis.rank <= 19
    batch = S.reshape(4, 5, 8, 10)
    found = library.to_numpy(basis.project(library.asarray(batch)))
    np.testing.assert_allclose(found, batch, atol=1e-7)


def test_maps_are_batched_and_inverse(library, rng):
    basis = pod(library.asarray(rng.standard_normal((7, 4, 5))), 6)
    C = library.asarray(rng.standard_normal((2, 3, 6)))
    again = basis.to_modes(basis.from_modes(C))
    assert basis.from_modes(C).shape == (2, 3, 4, 5)
    np.testing.assert_allclose(library.to_numpy(again), library.to_numpy(C), atol=1e-13)


def test_truncated_and_extended(rng):
    S, values = decaying(rng, 20, 60, rate=0.7)
    basis = pod(S, 10)
    less = basis.truncated(4)
    assert less.error == pytest.approx(np.linalg.norm(values[4:]) / np.linalg.norm(values))
    u = rng.standard_normal(60)
    more = less.extended(u)
    assert more.rank == 5
    np.testing.assert_array_equal(more.modes[:4], less.modes)
    np.testing.assert_allclose(gram(more), np.eye(5), atol=1e-13)
    np.testing.assert_allclose(more.project(u), u, atol=1e-12)
    assert more.extended(u).rank == 5  # nothing new


def test_integers_and_zero_fields():
    assert pod(np.eye(3, dtype=np.int64), 2).modes.dtype == np.float64
    basis = pod(np.zeros((3, 4)), tol=0.1)
    assert (basis.rank, basis.error) == (0, 0.0)
    assert list(basis.projection_errors(np.eye(2, 4))) == [1, 1]
    assert basis.project(np.ones((2, 4))).shape == (2, 4)


def test_files(tmp_path, rng):
    basis = pod(rng.standard_normal((6, 3, 4)), 4, center=True, mass=rng.uniform(1, 2, (3, 4)))
    basis.save(tmp_path / "basis.npz")
    again = POD.load(tmp_path / "basis.npz")
    F = rng.standard_normal((2, 3, 4))
    np.testing.assert_array_equal(again.project(F), basis.project(F))
    assert repr(again) == repr(basis)
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    with pytest.raises(ValueError, match=r"no file of POD.save"):
        POD.load(tmp_path / "other.npz")


def test_equal_snapshots_have_no_modes_around_their_mean():
    # what is left of them are rounding errors
    basis = pod(np.tile(np.linspace(0.1, 0.7, 9), (7, 1)), 2, center=True)
    assert (basis.rank, basis.error) == (0, 0.0)
    np.testing.assert_allclose(basis.project(np.ones(9)), np.linspace(0.1, 0.7, 9))


def test_errors_of_fields_of_very_different_sizes(library):
    S = pulses(np.linspace(0, 1, 20))
    basis = pod(library.asarray(S), 5)
    sizes = np.array([1e-200, 1.0, 1e200])[:, None]
    found = library.to_numpy(basis.projection_errors(library.asarray(S[:3] * sizes)))
    expected = np.linalg.norm(S[:3] - basis_projection(S, 5)[:3], axis=1)
    np.testing.assert_allclose(found, expected / np.linalg.norm(S[:3], axis=1), rtol=1e-8)


def basis_projection(S, rank):
    """Return the best approximations of a rank, from a singular value decomposition."""
    U, s, Vh = np.linalg.svd(S, full_matrices=False)
    return (U[:, :rank] * s[:rank]) @ Vh[:rank]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_truncation_at_any_scale(scale):
    S = pulses(np.linspace(0, 1, 20))
    expected = pod(S, 10).truncated(4).error
    assert pod(S * scale, 10).truncated(4).error == pytest.approx(expected)


def test_masses_that_do_not_fit(rng):
    S = rng.standard_normal((4, 2, 3))
    with pytest.raises(ValueError, match="mass is a vector of 6 but a field has shape"):
        pod(S, 2, mass=np.ones(6))
    with pytest.raises(TypeError, match="mass is complex but fields are real"):
        pod(S, 2, mass=np.eye(6) + 0j)
    assert pod(S + 0j, 2, mass=np.eye(6) + 0j).rank == 2
    with pytest.raises(ValueError, match="0 at entry 0"):  # beyond single precision
        pod(S.astype(np.float32), 2, mass=np.full((2, 3), 1e-60))
    with pytest.raises(ValueError, match="tol is nan"):
        pod(S, 2).extended(S, tol=np.nan)


def test_damaged_files(tmp_path, rng):
    path = tmp_path / "basis.npz"
    pod(rng.standard_normal((6, 5)), 2).save(path)
    path.write_bytes(path.read_bytes()[:300])
    (tmp_path / "empty.npz").touch()
    np.save(tmp_path / "array.npy", np.ones(2))
    for name in ("basis.npz", "empty.npz", "array.npy"):
        with pytest.raises(ValueError, match=r"no file of POD.save"):
            POD.load(tmp_path / name)


@pytest.mark.parametrize(
    ("given", "kwargs", "message"),
    [
        (np.ones((4, 3)), {}, "exactly one"),
        (np.ones((4, 3)), {"rank": 4}, "rank of 3 at most"),
        (np.ones((4, 3)), {"rank": 0}, "1 or more"),
        (np.ones((4, 3)), {"tol": 1.0}, "below 1"),
        (np.ones(4), {"rank": 1}, r"pass \(samples, \*shape\)"),
        (np.array([[1, 2.0], [np.nan, 0]]), {"rank": 1}, "sample 1 of snapshots has a NaN"),
        (np.ones((4, 3)), {"rank": 1, "mass": np.array([1, 0.0, 1])}, "0 at entry 1"),
        (np.ones((4, 3)), {"rank": 1, "mass": np.eye(4)}, "mass is 4x4"),
        (np.ones((4, 3)), {"rank": 1, "method": "qr"}, "one of auto"),
        (np.eye(4, 3), {"rank": 3, "mass": np.diag([1.0, -1, 1])}, "not Hermitian and positive"),
        (np.eye(4, 3), {"rank": 3, "mass": np.eye(3) + np.eye(3, k=1)}, "not Hermitian"),
    ],
)
def test_bad_input(given, kwargs, message):
    with pytest.raises(ValueError, match=message):
        pod(given, **kwargs)


def test_fields_of_another_shape_are_refused(rng):
    basis = pod(rng.standard_normal((5, 3, 4)), 2)
    with pytest.raises(ValueError, match=r"last axes must be \(3, 4\)"):
        basis.to_modes(np.ones((4, 3)))
    with pytest.raises(ValueError, match="sample 1 of F has a NaN"):
        basis.to_modes(np.stack([np.ones((3, 4)), np.full((3, 4), np.nan)]))


# streaming


@given(st.integers(0, 10**6), st.integers(1, 9), st.booleans())
def test_streamed_modes(seed, block, weighted):
    rng = np.random.default_rng(seed)
    S, _ = decaying(rng, 30, 25, rate=0.6)
    mass = rng.uniform(0.5, 2, 25) if weighted else None
    stream = StreamingPOD(12, tol=1e-4, mass=mass)
    for start in range(0, 30, block):
        stream.update(S[start : start + block])
    basis = stream.basis()
    M = np.eye(25) if mass is None else np.diag(mass)
    np.testing.assert_allclose(gram(basis, M), np.eye(basis.rank), atol=1e-12)
    L = np.sqrt(M)
    error = np.linalg.norm((S - basis.project(S)) @ L) / np.linalg.norm(S @ L)
    assert error <= stream.error_bound + 1e-13
    assert stream.error_bound < 0.1
    exact = np.linalg.svd(S @ L, compute_uv=False)
    np.testing.assert_allclose(basis.singular_values[:3], exact[:3], rtol=1e-2)
    assert stream.samples == basis.samples == 30


def test_streams_on_every_library(library, rng):
    S, values = decaying(rng, 12, 30, rate=0.4)
    stream = StreamingPOD(30)
    for k in range(0, 12, 4):
        stream.update(library.asarray(S[k : k + 4].reshape(4, 5, 6)))
    found = library.to_numpy(stream.basis().singular_values)
    np.testing.assert_allclose(found[:8], values[:8], rtol=1e-9)
    assert stream.error_bound < 1e-12


def test_bad_streams():
    stream = StreamingPOD(3)
    with pytest.raises(ValueError, match="no snapshots yet"):
        stream.basis()
    stream.update(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"shape \(5,\), but had \(4,\)"):
        stream.update(np.ones((2, 5)))
    with pytest.raises(TypeError, match="complex128"):
        stream.update(np.ones((2, 4), dtype=complex))
    with pytest.raises(ValueError, match="rank is 0"):
        StreamingPOD(0)


@pytest.mark.parametrize("sizes", [(0, 1e-200), (0, 1e200), (1, 1e-200), (1, 1e200), (1e-200, 1)])
def test_streams_of_blocks_of_very_different_sizes(library, rng, sizes):
    S, values = decaying(rng, 10, 20, rate=0.5)
    first, second = S * sizes[0], S * sizes[1]
    stream = StreamingPOD(6)
    stream.update(library.asarray(first))
    stream.update(library.asarray(second))
    basis = stream.basis()
    expected = values * max(sizes)
    np.testing.assert_allclose(library.to_numpy(basis.singular_values)[:3], expected[:3], rtol=1e-2)
    assert np.max(library.to_numpy(basis.projection_errors(library.asarray(S)))) < 0.9
