"""Functions from sums of products of samples and of callables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.tensors import CP, ChebTucker, Chebyshev, Fourier


def molecule(atoms, seed=0, fastest=10.0):
    """Return weights, centres and rates of Gaussians, some for every atom, others for groups."""
    rng = np.random.default_rng(seed)
    places = rng.standard_normal((atoms, 3))
    places *= 0.8 * rng.random((atoms, 1)) ** (1 / 3) / np.linalg.norm(places, axis=1)[:, None]
    places = places[np.argsort(places[:, 0])]
    charges = rng.uniform(-1, 1, atoms)
    terms = []
    for level, share in enumerate((1.0, 0.3, 0.12, 0.05)):
        rate = fastest * 1.8**-level
        for group in np.array_split(np.arange(atoms), max(int(share * atoms), 1)):
            terms.append((rate * charges[group].sum(), *places[group].mean(axis=0), rate))
    table = np.array(terms)
    return table[:, 0], table[:, 1:4], table[:, 4]


def gaussians(centres, rates, axis):
    return lambda x: np.exp(-((rates * (x[:, None] - centres[:, axis])) ** 2))


def midpoints(n, low=-1.0, high=1.0):
    return low + (high - low) * (np.arange(n) + 0.5) / n


def exact_sum(weights, columns, points):
    terms = weights
    for column, x in zip(columns, points, strict=True):
        terms = terms * column(x)
    return terms.sum(axis=1)


def test_a_molecule_on_a_grid():
    weights, centres, rates = molecule(60)
    columns = [gaussians(centres, rates, axis) for axis in range(3)]
    samples = [column(midpoints(256)) for column in columns]
    tol = 1e-7
    f = ChebTucker.from_cp(weights, samples, [(-1, 1)] * 3, tol=tol, rng=0)
    points = np.random.default_rng(1).uniform(-1, 1, (3, 4000))
    points[:, : len(weights)] = centres.T
    values = exact_sum(weights, columns, points)
    assert f.converged
    assert np.max(np.abs(f(*points) - values)) <= tol * np.max(np.abs(values))
    # the coefficients of the sum itself, truncated one axis after the other
    basis = Chebyshev(-1, 1)
    full = [basis.coefficients(column(basis.points(129))) for column in columns]
    best = CP(weights, full).to_tucker(tol).ranks
    assert all(r <= 1.1 * s + 1 for r, s in zip(f.ranks, best, strict=True))
    assert max(f.degrees) < 110


@settings(max_examples=10)
@given(
    d=st.integers(1, 4),
    rank=st.integers(1, 5),
    tol=st.sampled_from([1e-4, 1e-8]),
    dtype=st.sampled_from(["float64", "complex128"]),
    seed=st.integers(0, 9),
    sampled=st.booleans(),
)
def test_callables_and_samples(library, d, rank, tol, dtype, seed, sampled):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(rank) * (1 if dtype == "float64" else 1 + 1j)
    speeds, shifts = rng.uniform(0, 6, (2, d, rank))
    xp = library.xp
    domain = [(-1.0, 1.0), (0.0, 0.5), (3.0, 5.0), (-2.0, 0.0)][:d]

    def column(axis):
        speed, shift = library.asarray(speeds[axis]), library.asarray(shifts[axis])
        return lambda x: xp.cos(speed * x[:, None] + shift)

    factors = [column(axis) for axis in range(d)]
    if sampled:
        factors = [
            factor(library.asarray(midpoints(80, *interval)))
            for factor, interval in zip(factors, domain, strict=True)
        ]
    f = ChebTucker.from_cp(library.asarray(weights), factors, domain, tol=tol, rng=seed)
    assert f.converged
    assert f.dtype == library.dtype(dtype)
    points = [rng.uniform(low, high, 200) for low, high in domain]
    terms = weights * np.prod(
        [np.cos(speeds[k] * points[k][:, None] + shifts[k]) for k in range(d)], axis=0
    )
    values = terms.sum(axis=1)
    found = library.to_numpy(f(*(library.asarray(x) for x in points)))
    assert np.max(np.abs(found - values)) <= 2 * tol * np.max(np.abs(values))


@pytest.mark.parametrize(
    "nodes",
    [
        midpoints(90),
        np.linspace(-1, 1, 70),
        Chebyshev(-1, 1).points(40),
        np.sort(np.concatenate([[-1, 1], np.random.default_rng(0).uniform(-1, 1, 300)])),
    ],
    ids=["midpoints", "ends", "Chebyshev", "irregular"],
)
def test_any_nodes_serve(nodes):
    columns = [lambda x: np.stack([np.exp(x), np.sin(5 * x)], axis=1)] * 2
    weights = np.array([1.0, -2.0])
    f = ChebTucker.from_cp(
        weights, [c(nodes) for c in columns], [(-1, 1)] * 2, nodes=[nodes] * 2, tol=1e-8, rng=0
    )
    assert f.converged
    points = np.random.default_rng(1).uniform(-1, 1, (2, 500))
    values = exact_sum(weights, columns, points)
    assert np.max(np.abs(f(*points) - values)) <= 1e-8 * np.max(np.abs(values))


@pytest.mark.parametrize("kind", ["own", "midpoints", "irregular"])
def test_periodic_axes(kind):
    period = 2.0
    nodes = {
        "own": Fourier(0, period).points(48),
        "midpoints": midpoints(48, 0, period),
        "irregular": midpoints(300, 0, period) + 1e-3 * np.sin(np.arange(300)),
    }[kind]
    columns = [
        lambda x: np.exp(np.sin(np.pi * x))[:, None],
        lambda x: np.cos(3 * x)[:, None],
    ]
    factors = [columns[0](nodes), columns[1](midpoints(60))]
    domain = [Fourier(0, period), (-1, 1)]
    weights = np.array([3.0])
    f = ChebTucker.from_cp(weights, factors, domain, nodes=[nodes, None], tol=1e-8, rng=0)
    assert f.converged
    assert f.bases[0].periodic
    points = np.random.default_rng(1).uniform(0, 1, (2, 500)) * [[period], [1]]
    values = exact_sum(weights, columns, points)
    assert np.max(np.abs(f(*points) - values)) <= 1e-8 * np.max(np.abs(values))


def test_coarse_samples_are_flagged_with_their_error():
    weights, centres, rates = molecule(20, fastest=60.0)
    columns = [gaussians(centres, rates, axis) for axis in range(3)]
    samples = [column(midpoints(64)) for column in columns]
    with pytest.warns(ConvergenceWarning, match="samples are too coarse"):
        f = ChebTucker.from_cp(weights, samples, [(-1, 1)] * 3, tol=1e-7, rng=0)
    assert not f.converged
    points = np.random.default_rng(1).uniform(-1, 1, (3, 3000))
    values = exact_sum(weights, columns, points)
    error = np.max(np.abs(f(*points) - values)) / np.max(np.abs(values))
    assert error <= 5 * f.error_estimate


def test_a_kink_is_flagged():
    with pytest.warns(ConvergenceWarning, match="not smooth"):
        f = ChebTucker.from_cp(
            np.ones(1), [[np.abs], [np.cos]], [(-1, 1.2), (0, 1)], tol=1e-9, rng=0
        )
    assert not f.converged
    assert 1e-9 < f.error_estimate < 1e-2


def test_terms_of_opposite_sign():
    # 1e6 (exp(x + 1e-6 y) − exp(x)) cos z: six digits cancel
    x = midpoints(60)
    columns = [
        np.stack([np.exp(x), np.exp(x)], axis=1),
        np.stack([np.exp(1e-6 * x), np.ones(60)], axis=1),
        np.stack([np.cos(x), np.cos(x)], axis=1),
    ]
    weights = np.array([1e6, -1e6])
    f = ChebTucker.from_cp(weights, columns, [(-1, 1)] * 3, tol=1e-7, rng=0)
    assert f.converged
    a, b, c = np.random.default_rng(1).uniform(-1, 1, (3, 500))
    values = 1e6 * np.expm1(1e-6 * b) * np.exp(a) * np.cos(c)
    assert np.max(np.abs(f(a, b, c) - values)) <= 1e-7 * np.max(np.abs(values))
    with pytest.warns(ConvergenceWarning, match="cancel"):
        f = ChebTucker.from_cp(weights, columns, [(-1, 1)] * 3, tol=1e-13, rng=0)
    assert not f.converged


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales(scale):
    x = midpoints(60)
    columns = [scale * np.exp(x)[:, None], np.sin(3 * x)[:, None]]
    f = ChebTucker.from_cp(np.array([2.0]), columns, [(-1, 1)] * 2, tol=1e-9, rng=0)
    assert f.converged
    assert f(0.3, 0.4) / scale == pytest.approx(2 * np.exp(0.3) * np.sin(1.2), rel=1e-8)


@pytest.mark.parametrize("scale", [1e-200, 1e300])
def test_scales_of_terms_that_cancel_out(scale):
    columns = [
        [lambda x: scale * np.exp(x), lambda x: np.cos(x) / scale],
        [lambda x: np.sin(x) / scale, lambda x: scale * np.exp(-x)],
    ]
    f = ChebTucker.from_cp(np.ones(2), columns, [(-1, 1)] * 2, tol=1e-9, rng=0)
    assert f.converged
    exact = np.exp(0.3) * np.sin(0.4) + np.cos(0.3) * np.exp(-0.4)
    assert f(0.3, 0.4) == pytest.approx(exact, rel=1e-8)


def test_waves_that_are_constant_on_the_first_grid():
    columns = [[lambda x: np.cos(64 * np.arccos(x)), np.sin], [np.exp, np.cos]]
    f = ChebTucker.from_cp(np.ones(2), columns, [(-1, 1)] * 2, tol=1e-9, rng=0)
    assert f.converged
    exact = np.cos(64 * np.arccos(0.31)) * np.exp(0.4) + np.sin(0.31) * np.cos(0.4)
    assert f(0.31, 0.4) == pytest.approx(exact, abs=1e-8)


def test_single_precision():
    x = midpoints(60)
    columns = [np.exp(x)[:, None].astype(np.float32), np.sin(3 * x)[:, None].astype(np.float32)]
    weights = np.ones(1, np.float32)
    f = ChebTucker.from_cp(weights, columns, [(-1, 1)] * 2, tol=1e-5, rng=0)
    assert f.dtype == np.float32
    assert f.converged
    with pytest.raises(ValueError, match="float32 holds"):
        ChebTucker.from_cp(weights, columns, [(-1, 1)] * 2, tol=1e-9)


def test_zeros_and_no_terms():
    for weights, factors in (
        (np.zeros(2), [np.ones((40, 2))] * 2),
        (np.ones(2), [np.zeros((40, 2)), np.ones((40, 2))]),
        (np.array([1.0, -1.0]), [np.ones((40, 2))] * 2),
        (np.zeros(0), [np.ones((40, 0))] * 2),
    ):
        f = ChebTucker.from_cp(weights, factors, [(-1, 1)] * 2)
        assert f(0.2, 0.3) == 0
        assert f.converged


def test_two_samples_give_a_line_and_a_warning():
    factors = [np.full((1, 1), 3.0), np.array([[1.0], [2.0]])]
    with pytest.warns(ConvergenceWarning, match="too coarse"):
        f = ChebTucker.from_cp(np.ones(1), factors, [(0, 1)] * 2, tol=1e-3, rng=0)
    assert f(0.5, 0.5) == pytest.approx(4.5)


def test_bad_input():
    ones, box = np.ones((20, 2)), [(-1, 1)] * 2

    two = np.ones(2)

    def build(weights=two, factors=(ones, ones), domain=box, **options):
        return ChebTucker.from_cp(weights, factors, domain, **options)

    bad = ones.copy()
    bad[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"factors\[1\] has a NaN or Inf at \[3, 1\]"):
        build(factors=[ones, bad])
    with pytest.raises(ValueError, match="weights"):
        build(weights=np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"factors\[0\] has shape \(20, 2\)"):
        build(weights=np.ones(3))
    with pytest.raises(ValueError, match="3 intervals"):
        build(domain=[(-1, 1)] * 3)
    with pytest.raises(ValueError, match="nodes has 1"):
        build(nodes=[None])
    with pytest.raises(ValueError, match=r"nodes\[0\] has shape"):
        build(nodes=[np.arange(3.0), None])
    with pytest.raises(ValueError, match="ascend"):
        build(nodes=[-midpoints(20), None])
    with pytest.raises(ValueError, match="both of its ends"):
        build(nodes=[midpoints(20, 0, 1), None])
    with pytest.raises(ValueError, match="period"):
        build(domain=[Fourier(0, 1), (-1, 1)], nodes=[np.linspace(0, 1, 20), None])
    singular = [np.cos, lambda x: np.where(x > 0, x, np.inf)]
    with pytest.raises(ValueError, match="function 1 of factors"):
        build(factors=[ones, singular])
    with pytest.raises(TypeError, match="other things than functions"):
        build(factors=[ones, ones.tolist()])
    with pytest.raises(ValueError, match="1 functions"):
        build(factors=[ones, [np.cos]])
    with pytest.raises(ValueError, match="column for every weight"):
        build(factors=[ones, np.cos])
    waves = np.cos(np.random.default_rng(0).uniform(0, 20, 30) * midpoints(99)[:, None])
    with pytest.raises(MemoryError, match="core"):
        build(weights=np.ones(30), factors=[waves, waves], max_bytes=100)
