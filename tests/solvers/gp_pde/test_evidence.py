"""Learning the strength of components: a maximum of the evidence, and pruning."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.dense import condition_dense
from structlin.solvers.gp_pde._posteriors.evidence import learned
from structlin.solvers.gp_pde._priors.mixture import gaussian_mixture

X = np.linspace(0, 1, 200)


def three_lines(sds=(1.0, 1.0, 1.0)):
    return gaussian_mixture(0.5, 0.5, [0.0, 9.0, 21.0], sds, [0.3, 0.2, 0.2])


def data(truth, noise, seed=0):
    rng = np.random.default_rng(seed)
    features = three_lines()
    weights = np.asarray(truth)[features.components] * rng.standard_normal(features.count)
    return (features.values(X) @ weights + noise * rng.standard_normal(len(X))) / noise


def evidence(features, noise, y):
    return condition_dense(features.values(X) / noise, y).log_evidence


def test_learned_weights_are_a_maximum_of_the_evidence():
    noise = 0.1
    y = data([1.0, 0.3, 2.0], noise)
    found = learned(three_lines(), three_lines().values(X) / noise, y, rounds=60)
    best = evidence(found, noise, y)
    assert best > evidence(three_lines(), noise, y)
    for q in range(3):
        for step in (-0.5, 0.5):
            moved = found.reweighted(np.where(np.arange(3) == q, step, 0.0))
            assert evidence(moved, noise, y) < best + 1e-3


def test_components_without_data_are_pruned():
    noise = 1e-4
    y = data([0.0, 0.0, 1.0], noise, seed=1)
    found = learned(three_lines(), three_lines().values(X) / noise, y, rounds=30)
    sizes = [np.max(found.sds[found.lines == q]) for q in range(3)]
    assert max(sizes[0], sizes[1]) < 1e-3 * sizes[2]


def test_noise_leaves_the_smooth_part_in_doubt():
    noise = 0.1
    y = data([0.0, 0.0, 1.0], noise, seed=2)
    A = three_lines().values(X) / noise
    firm, doubted = learned(three_lines(), A, y), learned(three_lines(), A, y, noisy=True)
    smooth = [np.max(f.sds[f.lines == 0]) for f in (firm, doubted)]
    assert smooth[1] > smooth[0]
    assert evidence(doubted, noise, y) > evidence(firm, noise, y) - 2.5


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_a_wrong_scale_of_the_prior_is_mended(scale):
    noise = 1e-3
    y = data([1.0, 1.0, 1.0], noise, seed=3)
    wrong = three_lines((scale, scale, scale))
    found = learned(wrong, wrong.values(X) / noise, y, rounds=40)
    sizes = np.asarray([np.max(found.sds[found.lines == q]) for q in range(3)])
    right = np.asarray([np.max(three_lines().sds[three_lines().lines == q]) for q in range(3)])
    assert np.all(np.abs(np.log(sizes / right)) < 2)


def test_few_data_leave_the_prior_as_it_is():
    features = Features(0.0, 1.0, [1.0, 2.0], [1.0, 1.0], [0, 1])
    x = np.asarray([0.1, 0.2, 0.7])
    assert learned(features, features.values(x), np.ones(3)) is features


def test_fewer_data_than_features_and_other_libraries(library):
    frequencies = np.arange(1.0, 7.0)
    features = Features(0.0, 1.0, frequencies, np.ones(6), [0, 1, 1, 1, 1, 1])
    nodes = np.asarray([0.1, 0.2, 0.4, 0.55, 0.7, 0.8, 0.95, 1.0])
    data = np.exp(nodes)
    x = library.asarray(nodes.tolist())
    found = learned(features, features.values(x), library.asarray(data.tolist()))
    expected = learned(features, features.values(nodes), data)
    np.testing.assert_allclose(found.sds, expected.sds, rtol=1e-6)
