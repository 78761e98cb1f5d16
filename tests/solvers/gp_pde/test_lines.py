"""Spectral lines: found from the data alone, on even and uneven nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.solvers.gp_pde._priors.lines import find_lines


def jittered(low, high, n, rng):
    x = np.linspace(low, high, n)
    x[1:-1] += 0.35 * (x[1] - x[0]) * rng.uniform(-1, 1, n - 2)
    return x


@given(
    st.lists(st.floats(4.0, 60.0), min_size=1, max_size=4),
    st.booleans(),
    st.integers(0, 99),
)
def test_pure_lines_are_found_to_rounding_errors(bins, even, seed):
    rng = np.random.default_rng(seed)
    bins = np.sort(bins)
    bins = bins[np.concatenate([[True], np.diff(bins) > 6])]
    x = np.linspace(2.0, 5.0, 200) if even else jittered(2.0, 5.0, 200, rng)
    phases, sizes = rng.uniform(0, 6, len(bins)), rng.uniform(0.3, 1, len(bins))
    waves = sizes * np.cos(2 * np.pi * bins / 3.0 * x[:, None] + phases)
    lines = find_lines(x, np.sum(waves, axis=1) + 0.5 * x)
    assert lines.resolved
    assert lines.frequencies[0] == 0
    for mu in bins / 3.0:
        assert np.min(np.abs(lines.frequencies - mu)) < 1e-8


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_scale_of_the_data_changes_nothing(scale):
    x = np.linspace(0, 1e-6, 120)
    f = np.sin(2 * np.pi * 9.3e6 * x) * (1 + x / 1e-6)
    lines = find_lines(x, scale * f)
    assert lines.resolved
    assert abs(lines.frequencies[1] - 9.3e6) < 1
    assert abs(lines.amplitudes[1] / scale - 1.5) < 0.1


def test_a_small_line_below_a_large_one():
    x = np.linspace(0, 1, 400)
    f = np.sin(2 * np.pi * 60.2 * x) + 1e-6 * np.cos(2 * np.pi * 21.7 * x)
    found = find_lines(x, f).frequencies
    assert np.min(np.abs(found - 60.2)) < 1e-10
    assert np.min(np.abs(found - 21.7)) < 1e-4


def test_columns_share_their_lines(library):
    x = np.linspace(0, 2, 150)
    columns = np.stack([np.sin(50 * x), np.cos(50 * x) + np.sin(90 * x), 0 * x], axis=1)
    lines = find_lines(
        library.asarray(x.tolist()), library.asarray([row.tolist() for row in columns])
    )
    assert lines.resolved
    np.testing.assert_allclose(np.sort(lines.frequencies) * 2 * np.pi, [0, 50, 90], atol=1e-8)


def test_slow_amplitudes_make_one_broad_line():
    x = np.linspace(0, 2, 400)
    lines = find_lines(x, np.exp(-x) * np.sin(80 * x))
    assert lines.resolved
    assert len(lines.frequencies) == 2
    assert lines.degrees[1] > 2
    assert abs(lines.frequencies[1] * 2 * np.pi - 80) < 2


def test_noise_ends_the_search():
    rng = np.random.default_rng(3)
    x = np.linspace(0, 1, 400)
    f = np.sin(130 * x) + 1e-3 * rng.standard_normal(400)
    lines = find_lines(x, f, noise=1e-3)
    assert lines.resolved
    assert len(lines.frequencies) <= 3
    assert not find_lines(x, f).resolved  # as exact data they have no lines


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(150 * x * x),
        lambda x: np.exp(-(((x - 0.6) / 0.02) ** 2)),
        lambda x: np.random.default_rng(0).standard_normal(len(x)),
    ],
    ids=["chirp", "bump", "noise"],
)
def test_what_has_no_lines_is_not_resolved(f):
    x = np.linspace(0, 1, 200)
    lines = find_lines(x, f(x))
    assert not lines.resolved
    assert "not resolved" in repr(lines)


def test_nothing_and_smooth_data():
    x = np.linspace(0, 1, 50)
    nothing = find_lines(x, 0 * x)
    assert nothing.resolved
    assert nothing.residual == 0
    smooth = find_lines(x, 1 + x**3)
    assert smooth.resolved
    assert smooth.frequencies.tolist() == [0]


def test_one_node_and_two():
    for n in (1, 2, 3):
        lines = find_lines(np.arange(1.0, n + 1), np.ones(n))
        assert lines.frequencies[0] == 0
