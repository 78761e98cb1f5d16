"""Conditioning on Kronecker blocks against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, strategies as st

from structlin.solvers.gp_pde._data.blocks import Block
from structlin.solvers.gp_pde._posteriors import products
from structlin.solvers.gp_pde._posteriors.products import (
    condition_products,
    normal_matrix,
    projected,
)
from structlin.solvers.gp_pde.solve_linear_pde import solve_linear_pde


def dense_of(block):
    """Return rows and data of the values that are there, over their standard deviations."""
    if block.scattered:
        rows = sum(
            np.stack([np.kron(*[A[k] for A in part]) for k in range(len(part[0]))])
            for part in block.parts
        )
    else:
        rows = sum(np.kron(*part) for part in block.parts)
    sd = (np.ones(block.values.shape) * block.sd).reshape(-1)
    known = np.ones(len(rows), bool) if block.known is None else block.known.reshape(-1)
    A, y = rows / sd[:, None], block.values.reshape(-1) / sd
    return A[known], y[known], sd[known]


def some_blocks(rng, sizes=(9, 8), ranks=(4, 3), sd=0.3):
    def matrices():
        return tuple(rng.standard_normal((n, r)) for n, r in zip(sizes, ranks, strict=True))

    values = rng.standard_normal(sizes)
    edge = (rng.standard_normal((1, ranks[0])), rng.standard_normal((sizes[1], ranks[1])))
    points = tuple(rng.standard_normal((6, r)) for r in ranks)
    return [
        Block("equation", (matrices(), matrices()), values, sd),
        Block("side", (edge,), rng.standard_normal((1, sizes[1])), 0.1),
        Block("gaps", (matrices(),), values, 0.5, known=rng.random(sizes) < 0.6),
        Block("uneven", (matrices(), matrices()), values, rng.uniform(0.1, 1.0, sizes)),
        Block("points", (points,), rng.standard_normal(6), 0.2, scattered=True),
    ]


def reference(blocks):
    parts = [dense_of(block) for block in blocks]
    A, y = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    covariance = np.linalg.inv(A.T @ A + np.eye(A.shape[1]))
    density = scipy.stats.multivariate_normal(cov=A @ A.T + np.eye(len(y))).logpdf(y)
    density -= sum(np.sum(np.log(p[2])) for p in parts)
    return covariance @ (A.T @ y), covariance, density


@given(st.integers(0, 10**6))
def test_blocks_act_as_their_dense_matrices(seed):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((4, 3))
    for block in some_blocks(rng):
        A = block.dense()
        assert np.allclose(block.apply(Z).reshape(-1), A @ Z.reshape(-1))
        Y = rng.standard_normal(block.values.shape)
        assert np.allclose(block.adjoint(Y).reshape(-1), A.T @ Y.reshape(-1))
        B, _, _ = dense_of(block)
        assert np.allclose(normal_matrix([block]), B.T @ B)
        assert np.isclose(block.norm(), np.sqrt(np.mean(np.sum(A * A, axis=1))))


@pytest.mark.parametrize("decomposed", [True, False])
@given(st.integers(0, 10**6))
def test_the_posterior_is_that_of_the_dense_model(decomposed, seed):
    rng = np.random.default_rng(seed)
    blocks = some_blocks(rng)
    mean, covariance, density = reference(blocks)
    with pytest.MonkeyPatch.context() as patch:
        if not decomposed:
            patch.setattr(products, "most_decomposed", 0)
        found = condition_products(blocks, (4, 3))
    assert np.allclose(found.weights.reshape(-1), mean, atol=1e-10)
    assert np.isclose(found.log_evidence, density, rtol=1e-9)
    root = found.root(0, 12).reshape(12, 12)
    assert np.allclose(root @ root.T, covariance, atol=1e-10)
    matrices = [rng.standard_normal((5, 4)), rng.standard_normal((2, 3))]
    K = np.kron(*matrices)
    variance = np.einsum("ij,jk,ik->i", K, covariance, K)
    assert np.allclose(found.variance_at(matrices).reshape(-1), variance, atol=1e-10)
    assert found.converged


def test_projection_keeps_what_the_features_reach(rng):
    (block, *_) = some_blocks(rng, sizes=(40, 30))
    small = projected(block)
    assert small.values.shape == (8, 6)
    assert np.allclose(normal_matrix([small]), normal_matrix([block]))
    assert np.allclose(small.adjoint(small.values), block.adjoint(block.values))


def test_exact_data_with_a_decaying_prior_are_met(rng):
    # condition 1e20 of the normal matrix: its factor alone would leave errors of 1e-4
    n, r = 40, 24
    Q = [np.linalg.qr(rng.standard_normal((n, r)))[0] * 10.0 ** (-np.arange(r) / 4) for _ in "xy"]
    truth = rng.standard_normal((r, r))
    values = Q[0] @ truth @ Q[1].T
    found = condition_products([Block("equation", (tuple(Q),), values, 1e-10)], (r, r))
    assert found.iterations > 0
    assert found.converged
    assert np.max(np.abs(Q[0] @ found.weights @ Q[1].T - values)) < 1e-9
    assert found.residual < 1e-8


def test_samples_have_the_posterior_moments(rng):
    blocks = some_blocks(rng)
    mean, covariance, _ = reference(blocks)
    drawn = condition_products(blocks, (4, 3)).sample(3, 4000).reshape(4000, 12)
    errors = np.sqrt(np.diag(covariance) / 4000)
    assert np.all(np.abs(np.mean(drawn, axis=0) - mean) < 5 * errors)
    assert np.allclose(np.cov(drawn.T), covariance, atol=0.15 * np.max(covariance))


def test_other_libraries(library, rng):
    def move(block):
        parts = tuple(tuple(library.asarray(A) for A in part) for part in block.parts)
        known = None if block.known is None else library.asarray(block.known)
        sd = block.sd if isinstance(block.sd, float) else library.asarray(block.sd)
        values = library.asarray(block.values)
        return Block(block.name, parts, values, sd, known, block.scattered)

    blocks = some_blocks(rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "most_decomposed", 0)
        ours = condition_products([move(block) for block in blocks], (4, 3))
    theirs = condition_products(blocks, (4, 3))
    assert np.allclose(library.to_numpy(ours.weights), theirs.weights, atol=1e-10)
    assert np.isclose(ours.log_evidence, theirs.log_evidence)
    sample = ours.sample(1, 2)
    assert sample.shape == (2, 4, 3)


def test_variances_at_few_points_are_those_among_many(library):
    x = library.asarray(np.linspace(0.0, 1.0, 34))
    xp = library.xp
    solution = solve_linear_pde(
        (x, x),
        {(2, 0): 1.0, (0, 2): 1.0},
        lambda x, y: xp.exp(x * y),
        lambda x, y: x + y,
        "extension",
        rng=0,
    )
    assert solution.posterior.halved is not None
    few = library.asarray(np.array([0.11, 0.52, 0.93]))
    many = library.asarray(np.concatenate([[0.11, 0.52, 0.93], np.linspace(0.0, 1.0, 60)]))
    found = library.to_numpy(solution.std(few, few, floor=False))
    among = library.to_numpy(solution.std(many, many, floor=False))[:3, :3]
    np.testing.assert_allclose(found, among, rtol=1e-6)
