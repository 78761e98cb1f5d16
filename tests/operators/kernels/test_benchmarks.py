"""Learned maps on benchmark data: errors, and how many of them the error bars cover."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.operators import (
    KernelOperator,
    LinearOperatorRegression,
    datasets,
    reflections,
    relative_errors,
)


def figures(learned, train, test):
    """Return the mean error in percent, and the share of errors within 1.645 deviations."""
    learned.fit(train.inputs, train.outputs, grid=train.grid, output_grid=train.output_grid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one or two in a hundred are far from the samples
        predicted, deviation = learned.predict(test.inputs, return_std=True)
    inside = np.abs(predicted - test.outputs) <= 1.645 * deviation
    return 100 * np.mean(relative_errors(predicted, test.outputs)), np.mean(inside)


def burgers(U, steps=20, dt=0.01, viscosity=0.02):
    """Return what Burgers' equation makes of functions: diffusion implicit, the rest explicit."""
    k = 2 * np.pi * np.fft.rfftfreq(U.shape[1], 1 / U.shape[1])
    for _ in range(steps):
        change = np.fft.rfft(U) - dt / 2 * 1j * k * np.fft.rfft(U**2)
        U = np.fft.irfft(change / (1 + dt * viscosity * k**2), U.shape[1])
    return U


def test_symmetries_of_a_small_burgers_equation():
    rng = np.random.default_rng(0)
    k = np.arange(1, 5)
    a, b = rng.standard_normal((2, 110, 4)) / k**2
    angle = 2 * np.pi * k[:, None] * np.arange(32) / 32
    U = a @ np.cos(angle) + b @ np.sin(angle)
    grid = Grid.uniform([(0, 1)], 32, kind="periodic")
    data = datasets.OperatorData(U, burgers(U), grid, grid, "small Burgers")
    train, test = data.split(60, 50)
    found = [
        figures(KernelOperator("matern52", symmetry=symmetry, rng=0), train, test)
        for symmetry in (None, "shift", ("shift", "odd"))
    ]
    assert found[2][0] < found[1][0] < found[0][0] / 2
    assert 0.8 < found[2][1] < 0.98


@pytest.mark.slow
def test_burgers(tmp_path):
    data = datasets.burgers(rng=0, cache=tmp_path)
    train, test = data.split(1000, 200)
    error, covered = figures(KernelOperator(symmetry=("shift", "odd"), rng=0), train, test)
    assert error < 0.15
    assert 0.85 < covered < 0.95
    error, _ = figures(
        KernelOperator(symmetry=("shift", "odd"), rng=0), data.split(62, 200)[0], test
    )
    assert error < 2.0


@pytest.mark.slow
def test_darcy_flow(tmp_path):
    train, test = datasets.darcy(rng=0, cache=tmp_path).split(1000, 200)
    learned = KernelOperator(symmetry="square", rng=0)
    error, covered = figures(learned, train, test)
    assert error < 2.1
    assert 0.85 < covered < 0.95
    linear = 100 * np.mean(relative_errors(learned.baseline.predict(test.inputs), test.outputs))
    assert abs(linear - 6.75) < 0.2  # the published figure of linear regression


@pytest.mark.slow
def test_advection(tmp_path):
    train, test = datasets.advection_boxes(2000, rng=0, cache=tmp_path).split(1000, 1000)
    learned = LinearOperatorRegression().fit(train.inputs, train.outputs)
    assert np.mean(relative_errors(learned.predict(test.inputs), test.outputs)) < 1e-12
    train, test = datasets.advection_signs(40_000, rng=0, cache=tmp_path).split(20_000, 20_000)
    learned = LinearOperatorRegression().fit(train.inputs, train.outputs)
    error = 100 * np.mean(relative_errors(learned.predict(test.inputs), test.outputs))
    assert abs(error - 11.24) < 0.3  # the mean of the two shifts by whole cells nearest to 99.5


@pytest.mark.slow
def test_helmholtz(tmp_path):
    data = datasets.helmholtz(1200, rng=0, cache=tmp_path)
    train, test = data.split(1000, 200)
    error, covered = figures(
        KernelOperator("rq", metric="gradient", symmetry=reflections(0, ndim=2), rng=0),
        train,
        test,
    )
    assert error < 2.0
    assert 0.85 < covered < 0.95
