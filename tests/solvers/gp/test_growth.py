"""Grids that grow along an axis."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.covariance import Matern, SquaredExponential
from structlin.solvers.gp import KroneckerGP, _factors
from structlin.solvers.gp._complete import Complete

SE = SquaredExponential
KERNELS = [Matern(2.5, 0.3), SE(0.3), Matern(1.5, 0.4)]
SUM = [KERNELS, [Matern(0.5, 0.1), Matern(0.5, 0.3), SE(0.2)]]
AXES = (np.linspace(0, 1, 9), np.linspace(0, 2, 8), np.linspace(0, 1, 7) ** 2)


def split(axis, at, *arrays):
    first = tuple(slice(0, at) if j == axis else slice(None) for j in range(3))
    rest = tuple(slice(at, None) if j == axis else slice(None) for j in range(3))
    nodes = tuple(x[:at] if j == axis else x for j, x in enumerate(AXES))
    return nodes, AXES[axis][at:], [(a[first], a[rest]) for a in arrays]


def agree(one, other):
    points = tuple(np.linspace(x[0], x[-1], 4) for x in AXES)
    a, b = one.posterior(points), other.posterior(points)
    np.testing.assert_allclose(a.mean, b.mean, rtol=0, atol=1e-11)
    np.testing.assert_allclose(a.variance, b.variance, rtol=0, atol=1e-11)
    assert one.log_marginal_likelihood() == pytest.approx(
        other.log_marginal_likelihood(), rel=1e-12
    )
    assert one.grid.shape == other.grid.shape


@pytest.mark.parametrize("kernels", [KERNELS, SUM], ids=["one product", "two"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("outputs", [(), (2,)])
def test_extending_is_refitting(kernels, axis, outputs):
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((9, 8, 7, *outputs))
    nodes, new, [(old_values, new_values)] = split(axis % 3, 4, Y)
    grown = KroneckerGP(kernels, 0.01, mean=0.5).fit(nodes, old_values)
    assert grown.extend(new, new_values, axis) is grown
    agree(grown, KroneckerGP(kernels, 0.01, mean=0.5).fit(AXES, Y))


@pytest.mark.parametrize("where", ["old", "new", "both"])
def test_gaps_may_be_old_and_new(where):
    rng = np.random.default_rng(1)
    Y, mask = rng.standard_normal((9, 8, 7)), rng.random((9, 8, 7)) > 0.3
    if where == "old":
        mask[:, 5:] = True
    if where == "new":
        mask[:, :5] = True
    nodes, new, [(Y1, Y2), (m1, m2)] = split(1, 5, Y, mask)
    grown = KroneckerGP(KERNELS, 0.01).fit(nodes, Y1, None if where == "new" else m1)
    grown.extend(new, Y2, 1, mask=None if where == "old" else m2)
    agree(grown, KroneckerGP(KERNELS, 0.01).fit(AXES, Y, mask))
    gaps = KroneckerGP(KERNELS, 0.01).fit(nodes, np.where(m1, Y1, np.nan), missing="nan")
    gaps.extend(new, np.where(m2, Y2, np.nan), 1, missing="nan")
    agree(gaps, grown)


def test_a_slice_without_values_may_come():
    rng = np.random.default_rng(2)
    Y, mask = rng.standard_normal((9, 8, 7)), np.ones((9, 8, 7), dtype=bool)
    mask[6:] = False
    nodes, new, [(Y1, Y2), (_, m2)] = split(0, 6, Y, mask)
    grown = KroneckerGP(KERNELS, 0.01).fit(nodes, Y1).extend(new, Y2, mask=m2)
    agree(grown, KroneckerGP(KERNELS, 0.01).fit(AXES, Y, mask))


@pytest.mark.parametrize("old", ["number", "array"])
def test_the_noise_may_vary(old):
    rng = np.random.default_rng(3)
    Y, noise = rng.standard_normal((9, 8, 7)), rng.uniform(0.01, 0.1, (9, 8, 7))
    if old == "number":
        noise[:6] = 0.01
    nodes, new, [(Y1, Y2), (n1, n2)] = split(0, 6, Y, noise)
    grown = KroneckerGP(KERNELS, 0.01).fit(nodes, Y1, noise_var=n1 if old == "array" else None)
    grown.extend(new, Y2, noise_var=n2)
    agree(grown, KroneckerGP(KERNELS, 0.01).fit(AXES, Y, noise_var=noise))


def test_growth_in_steps_factorises_nothing_but_the_axis_that_grows(monkeypatch):
    rng = np.random.default_rng(4)
    Y = rng.standard_normal((9, 8, 7))
    nodes, _, [(Y1, _)] = split(0, 5, Y)
    grown = KroneckerGP(KERNELS, 0.01).fit(nodes, Y1)
    made = []

    def counted(kernel, grid, axis):
        made.append(axis)
        return _factors.factor(kernel, grid, axis)

    monkeypatch.setattr("structlin.solvers.gp._complete.factor", counted)
    for i in range(5, 9):
        grown.extend(AXES[0][i : i + 1], Y[i : i + 1])
    assert made == [0] * 4
    assert isinstance(grown.conditioning, Complete)
    agree(grown, KroneckerGP(KERNELS, 0.01).fit(AXES, Y))


def test_it_runs_on_every_library(library):
    rng = np.random.default_rng(5)
    Y, mask = rng.standard_normal((9, 8, 7)), rng.random((9, 8, 7)) > 0.3
    nodes, new, [(Y1, Y2), (m1, m2)] = split(2, 4, Y, mask)
    move = library.asarray
    grown = KroneckerGP(KERNELS, 0.01).fit(tuple(map(move, nodes)), move(Y1), move(m1))
    grown.extend(move(new), move(Y2), 2, mask=move(m2))
    expected = KroneckerGP(KERNELS, 0.01).fit(AXES, Y, mask).posterior().mean
    np.testing.assert_allclose(library.to_numpy(grown.posterior().mean), expected, atol=1e-9)


def test_bad_input_is_told():
    rng = np.random.default_rng(6)
    Y = rng.standard_normal((9, 8, 7))
    gp = KroneckerGP(KERNELS, 0.01)
    with pytest.raises(ValueError, match="call fit"):
        gp.extend(np.array([2.0]), Y[:1])
    gp.fit(AXES, Y)
    with pytest.raises(ValueError, match="the last old one 1"):
        gp.extend(np.array([0.5]), Y[:1])
    with pytest.raises(ValueError, match="not ascending"):
        gp.extend(np.array([3.0, 2.0]), Y[:2])
    with pytest.raises(ValueError, match="axes 0 to 2"):
        gp.extend(np.array([2.0]), Y[:1], 3)
    with pytest.raises(ValueError, match=r"the grid has \(1, 8, 7\)"):
        gp.extend(np.array([2.0]), Y[:2])
    with pytest.raises(ValueError, match="same outputs"):
        gp.extend(np.array([2.0]), Y[:1, ..., None])
    with pytest.raises(ValueError, match="NaN or Inf"):
        gp.extend(np.array([2.0]), np.full((1, 8, 7), np.nan))
    gp.fit(AXES, Y, noise_var=np.full((9, 8, 7), 0.01))
    with pytest.raises(ValueError, match="pass noise_var"):
        gp.extend(np.array([2.0]), Y[:1])
