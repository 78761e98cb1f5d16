"""Angles, k-medoids, local bases and what they gain."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, strategies as st

from structlin.solvers import k_medoids, local_pod, pod, sine_dissimilarity
from tests.solvers.reduced.fields import positive_definite, pulses


def distances(rng, n):
    D = rng.uniform(size=(n, n))
    D = D + D.T
    np.fill_diagonal(D, 0)
    return D


# angles


def test_sines_are_those_of_the_angles(library, rng):
    U = rng.standard_normal((6, 3, 4)) + 1j * rng.standard_normal((6, 3, 4))
    found = sine_dissimilarity(library.asarray(U))
    flat = U.reshape(6, 12)
    for i, j in itertools.combinations(range(6), 2):
        angle = scipy.linalg.subspace_angles(flat[i][:, None], flat[j][:, None])[0]
        assert found[i, j] == found[j, i] == pytest.approx(np.sin(angle))


def test_sines_do_not_depend_on_sizes_and_signs(rng):
    U = rng.standard_normal((5, 30))
    sizes = np.array([1e-150, -1.0, 1e100, 3.0, -1e-3])[:, None]
    np.testing.assert_allclose(sine_dissimilarity(U * sizes), sine_dissimilarity(U), atol=1e-7)


def test_sines_in_an_inner_product(rng):
    U, M = rng.standard_normal((4, 10)), positive_definite(rng, 10)
    expected = sine_dissimilarity(U @ np.linalg.cholesky(M))
    np.testing.assert_allclose(sine_dissimilarity(U, mass=M), expected, atol=1e-7)


def test_sines_of_trajectories(library, rng):
    U = rng.standard_normal((4, 3, 10))
    U[2] = rng.standard_normal((3, 3)) @ U[1]  # the same span
    found = sine_dissimilarity(library.asarray(U), trajectories=True)
    assert found[1, 2] < 1e-6
    angles = scipy.linalg.subspace_angles(U[0].T, U[1].T)
    assert found[0, 1] == pytest.approx(np.sqrt(np.mean(np.sin(angles) ** 2)))


def test_sines_of_trajectories_of_any_size(rng):
    U = rng.standard_normal((4, 3, 10))
    sizes = np.array([1e-200, 1.0, 1e-100, 1e150])[:, None, None]
    np.testing.assert_allclose(
        sine_dissimilarity(U * sizes, trajectories=True),
        sine_dissimilarity(U, trajectories=True),
        atol=1e-7,
    )


def test_dependent_fields_in_single_precision(rng):
    # rounding errors of dependent fields are no directions
    U = rng.standard_normal((3, 6, 40))
    U[:, 3:] = rng.standard_normal((3, 3, 3)) @ U[:, :3]
    np.testing.assert_allclose(
        sine_dissimilarity(U.astype(np.float32), trajectories=True),
        sine_dissimilarity(U[:, :3], trajectories=True),
        atol=1e-3,
    )


@pytest.mark.parametrize("trajectories", [False, True])
def test_zero_fields_have_no_angle(trajectories):
    U = np.ones((3, 2, 4))
    U[1] = 0
    with pytest.raises(ValueError, match="sample 1 is zero everywhere"):
        sine_dissimilarity(U, trajectories=trajectories)


# k-medoids


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(4, 9))
def test_small_partitions_are_the_best_ones(seed, clusters, n):
    D = distances(np.random.default_rng(seed), n)
    found = k_medoids(D, clusters, rng=0)
    best = min(
        np.sum(np.min(D[:, list(chosen)], axis=1))
        for chosen in itertools.combinations(range(n), clusters)
    )
    assert found.cost == pytest.approx(best)
    assert found.cost == pytest.approx(np.sum(D[np.arange(n), found.medoids[found.labels]]))
    assert np.all(found.labels[found.medoids] == np.arange(clusters))
    assert np.all(found.sizes > 0)


def test_no_exchange_of_a_medoid_helps(rng):
    D = distances(rng, 40)
    found = k_medoids(D, 5, restarts=3, rng=1)
    assert len(found.costs) == 3
    assert min(found.costs) == found.cost
    for k, new in itertools.product(range(5), range(40)):
        moved = [*np.delete(found.medoids, k), new]
        assert np.sum(np.min(D[:, moved], axis=1)) >= found.cost - 1e-12


def test_groups_are_found():
    x = np.concatenate([np.linspace(0, 1, 7), np.linspace(10, 11, 5), [30.0]])
    found = k_medoids(np.abs(x[:, None] - x), 3, rng=0)
    assert list(found.sizes) == [7, 5, 1]
    assert found.silhouette > 0.8
    single = k_medoids(np.abs(x[:, None] - x), 13, rng=0)
    assert single.cost == 0


def test_empty_clusters_are_refused():
    x = np.array([0.0, 0.0, 1.0, 1.0])
    D = np.abs(x[:, None] - x)
    assert list(k_medoids(D, 2, rng=0).labels) == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="a cluster would be empty: there are 2 different"):
        k_medoids(D, 3)


@pytest.mark.parametrize(
    ("D", "message"),
    [
        (np.ones((2, 3)), r"pass \(samples, samples\)"),
        (np.ones((2, 2)), "zero on its diagonal"),
        (np.array([[0, 1.0], [2.0, 0]]), "symmetric"),
        (np.array([[0, np.nan], [np.nan, 0]]), r"NaN or Inf at \[0, 1\]"),
    ],
)
def test_bad_dissimilarities(D, message):
    with pytest.raises(ValueError, match=message):
        k_medoids(D, 1)


# local bases


def test_local_bases_beat_a_global_one_of_equal_size(library, rng):
    places = rng.uniform(0, 1, 120)
    S = library.asarray(pulses(places))
    local = local_pod(S, 4, 4, parameters=places[:, None], rng=0)
    whole = pod(S, 4)
    fresh = rng.uniform(0, 1, 40)
    F = library.asarray(pulses(fresh))
    label = local.assign(F)
    every = [library.to_numpy(basis.projection_errors(F)) for basis in local.bases]
    errors = np.array([every[k][i] for i, k in enumerate(label)])
    wide = library.to_numpy(whole.projection_errors(F))
    assert np.sqrt(np.mean(errors**2)) < 0.2 * np.sqrt(np.mean(wide**2))
    # the criterion said so before
    told = local.efficiency
    assert told.gains[3] > 5
    assert told.local_widths[3] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.5)
    assert told.global_widths[3] == pytest.approx(np.sqrt(np.mean(wide**2)), rel=0.2)
    assert told.accuracy > 0.95
    assert np.mean(local.classify(fresh[:, None]) == label) > 0.9


def test_the_criterion_says_when_clusters_do_not_pay(rng):
    # random directions have no clusters
    local = local_pod(rng.standard_normal((60, 40)), 3, 6, parameters=rng.uniform(size=(60, 1)))
    assert local.efficiency.gains[5] < 1.05
    assert local.efficiency.accuracy < 0.8


def test_samples_find_their_own_cluster(rng):
    S = pulses(np.linspace(0, 1, 50)).reshape(50, 8, 10)
    local = local_pod(S, 3, tol=1e-3, rng=0)
    np.testing.assert_array_equal(local.assign(S), local.clustering.labels)
    assert local.assign(S.reshape(5, 10, 8, 10)).shape == (5, 10)
    assert len(local) == 3
    for k, basis in enumerate(local.bases):
        assert local[k] is basis
        own = S[local.clustering.labels == k]
        missed = np.linalg.norm(own - basis.project(own)) / np.linalg.norm(own)
        assert missed <= 1e-3


def test_trajectories_stay_together(rng):
    places = rng.uniform(0, 0.7, 30)
    S = np.stack([pulses(np.linspace(a, a + 0.2, 6)) for a in places])
    local = local_pod(S, 3, 5, parameters=places[:, None], trajectories=True, rng=0)
    assert local.clustering.labels.shape == (30,)
    assert local.efficiency.gains[4] > 1.5
    order = local.clustering.labels[np.argsort(places)]
    assert np.sum(np.diff(order) != 0) == 2  # intervals of places


def test_a_partition_of_ones_own(rng):
    S = pulses(np.linspace(0, 1, 20))
    mine = k_medoids(sine_dissimilarity(S), 2, rng=0)
    assert local_pod(S, mine, 3).clustering is mine
    with pytest.raises(ValueError, match="pass one of these 19"):
        local_pod(S[1:], mine, 3)


def test_bad_local_input():
    S = pulses(np.linspace(0, 1, 10))
    with pytest.raises(ValueError, match=r"pass \(10, p\)"):
        local_pod(S, 2, 2, parameters=np.zeros(10))
    with pytest.raises(ValueError, match="no classifier"):
        local_pod(S, 2, 2).classify(np.zeros(1))
    with pytest.raises(ValueError, match=r"pass \(1,\) or \(m, 1\)"):
        local_pod(S, 2, 2, parameters=np.arange(10.0)[:, None]).classify(np.zeros(2))
    with pytest.raises(ValueError, match="sample 3 of snapshots has a NaN"):
        local_pod(np.where(np.arange(10)[:, None] == 3, np.nan, S), 2, 2)
    with pytest.raises(ValueError, match=r"\(samples, times, \*shape\)"):
        local_pod(S, 2, 2, trajectories=True)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_local_bases_at_any_scale(scale):
    places = np.linspace(0, 1, 40)
    S, mu = pulses(places), places[:, None]
    local = local_pod(S, 3, 4, parameters=mu, rng=0)
    scaled = local_pod(S * scale, 3, 4, parameters=mu * scale, rng=0)
    np.testing.assert_array_equal(scaled.clustering.labels, local.clustering.labels)
    np.testing.assert_array_equal(scaled.assign(S), local.assign(S))
    np.testing.assert_array_equal(scaled.classify(mu * scale), local.classify(mu))
    np.testing.assert_allclose(scaled.efficiency.gains, local.efficiency.gains, rtol=0.2)


def test_bad_parameters_and_samples():
    places = np.linspace(0, 1, 20)
    S = pulses(places)
    local = local_pod(S, 2, 2, parameters=places[:, None], rng=0)
    with pytest.raises(ValueError, match="NaN or Inf in row 1"):
        local.classify(np.array([[0.5], [np.nan]]))
    with pytest.raises(ValueError, match=r"mu\[:, None\] where there is one"):
        local_pod(S, 2, 2, parameters=places)
    with pytest.raises(TypeError, match="complex128: pass real numbers"):
        local_pod(S, 2, 2, parameters=places[:, None] + 0j)
    with pytest.raises(TypeError, match="dissimilarity is of type complex128"):
        k_medoids(np.zeros((2, 2)) + 0j, 1)
    S[3] = 0
    with pytest.raises(ValueError, match="sample 3 is zero everywhere"):
        local_pod(S, local.clustering, 2)
