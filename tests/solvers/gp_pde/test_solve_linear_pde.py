"""Boundary value problems with known solutions, none of which the solver sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from structlin._errors import ConvergenceWarning
from structlin.bases import Grid
from structlin.covariance import SpectralMixture
from structlin.solvers.gp_pde import Neumann, collocation, solve_linear_pde

LAPLACE = {(2, 0): 1.0, (0, 2): 1.0}
X, Y = np.linspace(0.0, 1.0, 40), np.linspace(-1.0, 1.0, 44)
XT, YT = np.linspace(0.0, 1.0, 31), np.linspace(-1.0, 1.0, 29)


def u(x, y):
    return np.sin(40 * x) * np.cos(23 * y)


def f(x, y):
    return -(40**2 + 23**2) * u(x, y)


def on(function, *axes):
    """Return a function on a tensor grid, in C order."""
    return np.array(Grid(*axes).evaluate(function))


def error(solution, exact, *axes):
    truth = on(exact, *axes)
    return np.linalg.norm(solution.mean(*axes) - truth) / np.linalg.norm(truth)


SIDES = {(0, 0): u, (0, -1): u, (1, 0): u, (1, -1): u}


@settings(max_examples=4)
@given(
    st.floats(30.0, 60.0), st.floats(10.0, 35.0), st.floats(0.0, 6.0), st.sampled_from([-2, 0, 5])
)
def test_plane_waves_are_found(a, b, phase, constant):
    def wave(x, y):
        return np.sin(a * x + b * y + phase)

    terms = {(2, 0): 1.0, (0, 2): 2.0, (0, 0): float(constant)}
    solution = solve_linear_pde(
        (X, Y), terms, lambda x, y: (constant - a * a - 2 * b * b) * wave(x, y), wave, rng=0
    )
    assert error(solution, wave, XT, YT) < 1e-8
    assert solution.report.route == "lines"
    assert solution.converged


@pytest.mark.parametrize(("size", "length"), [(1e150, 1e6), (1e-150, 1e-6)])
def test_units_do_not_matter(size, length):
    def scaled(x, y):
        return size * u(x / length, y / length)

    solution = solve_linear_pde(
        (length * X, length * Y),
        LAPLACE,
        lambda x, y: size / length**2 * f(x / length, y / length),
        scaled,
        rng=0,
    )
    difference = solution.mean(length * XT, length * YT) / size - on(u, XT, YT)
    assert np.max(np.abs(difference)) < 1e-8
    assert np.all(np.isfinite(solution.std(length * XT, length * YT)))


def test_arrays_are_in_c_order():
    # axes of one length: a transposed array would fit
    y = np.linspace(-1.0, 1.0, 40)
    sides = {(0, 0): u(0.0, y), (0, -1): u(1.0, y), (1, 0): u(X, -1.0), (1, -1): u(X, 1.0)}
    solution = solve_linear_pde(Grid(X, y), LAPLACE, on(f, X, y), sides, rng=0)
    assert error(solution, u, XT, YT) < 1e-9
    with pytest.raises(ValueError, match="C order"):
        solve_linear_pde((X, Y), LAPLACE, on(f, X, Y).T, u)


def test_standard_deviations_cover_the_errors_and_samples_agree():
    solution = solve_linear_pde((X, Y), LAPLACE, f, u, rng=0)
    miss = np.abs(solution.mean(XT, YT) - on(u, XT, YT))
    sd = solution.std(XT, YT)
    assert np.mean(miss > 3 * sd) < 0.05
    assert np.max(sd) < 1e-5
    drawn = solution.sample(XT, YT, count=64, rng=1)
    spread = np.sqrt(np.mean((drawn - solution.mean(XT, YT)) ** 2, axis=0))
    assert np.median(spread / solution.std(XT, YT, floor=False)) == pytest.approx(1.0, abs=0.25)
    assert solution.sample(XT, YT, rng=3).shape == (1, 31, 29)
    assert np.array_equal(solution.sample(XT, YT, rng=3), solution.sample(XT, YT, rng=3))


@pytest.mark.parametrize(
    ("seeds", "least"), [(3, 0.8), pytest.param(10, 0.88, marks=pytest.mark.slow)]
)
def test_noise_is_covered(seeds, least):
    covered, ratio = [], []
    sd = 1e-3 * np.max(np.abs(on(f, X, Y)))
    for seed in range(seeds):
        noisy = on(f, X, Y) + sd * np.random.default_rng(seed).standard_normal((40, 44))
        solution = solve_linear_pde((X, Y), LAPLACE, noisy, u, noise=sd, rng=0)
        inside = np.s_[1:-1, 1:-1]
        miss = np.abs(solution.mean(XT, YT) - on(u, XT, YT))[inside]
        scale = solution.std(XT, YT)[inside]
        covered.append(np.mean(miss <= 2 * scale))
        ratio.append(np.median(miss / scale))
    assert np.mean(covered) > least  # errors of a seed are alike: the mean of ten varies by 0.03
    assert np.mean(ratio) > 0.2


def test_noise_that_hides_slow_waves_is_covered():
    x, t = np.linspace(0.0, 1.0, 150), np.linspace(0.0, 1.0, 203)[1:-1]

    def bump(x):
        return np.exp(-(((x - 0.5) / 0.05) ** 2))

    z = (x - 0.5) / 0.05
    source = (4 * z * z - 2) / 0.05**2 * bump(x)
    sd = 1e-2 * np.max(np.abs(source))
    covered = []
    for seed in range(8):
        noisy = source + sd * np.random.default_rng(seed).standard_normal(150)
        solution = solve_linear_pde((x,), {2: 1.0}, noisy, bump, noise=float(sd), rng=0)
        covered.append(np.mean(np.abs(solution.mean(t) - bump(t)) <= 2 * solution.std(t)))
    assert np.mean(covered) > 0.88


@pytest.mark.parametrize("side", [(0, -1), (1, 0)])
def test_what_the_data_leave_open_is_in_the_standard_deviation(side):
    sides = {key: data for key, data in SIDES.items() if key != side}
    solution = solve_linear_pde((X, Y), LAPLACE, f, sides, rng=0)
    whole = solve_linear_pde((X, Y), LAPLACE, f, u, rng=0)
    assert np.max(solution.std(XT, YT)) > 1e4 * np.max(whole.std(XT, YT))


def test_slopes_on_a_side():
    slope = {(0, -1): Neumann(lambda x, y: 40 * np.cos(40 * x) * np.cos(23 * y))}
    solution = solve_linear_pde((X, Y), LAPLACE, f, {**SIDES, **slope}, rng=0)
    assert error(solution, u, XT, YT) < 1e-8


def test_a_periodic_axis():
    def wave(x, y):
        return np.sin(12 * np.pi * x) * np.cos(23 * y)

    solution = solve_linear_pde(
        (X, Y),
        LAPLACE,
        lambda x, y: -((12 * np.pi) ** 2 + 23**2) * wave(x, y),
        {0: "periodic", (1, 0): wave, (1, -1): wave},
        rng=0,
    )
    assert error(solution, wave, XT, YT) < 1e-8


def test_gaps_in_source_and_boundary(rng):
    source, first = on(f, X, Y), u(0.0, Y)
    source[rng.random(source.shape) < 0.3] = np.nan
    first[::4] = np.nan
    sides = {**SIDES, (0, 0): first}
    with pytest.raises(ValueError, match="missing='nan'"):
        solve_linear_pde((X, Y), LAPLACE, source, sides)
    solution = solve_linear_pde((X, Y), LAPLACE, source, sides, missing="nan", rng=0)
    assert error(solution, u, XT, YT) < 1e-8


def test_scattered_observations_instead_of_a_boundary(rng):
    points = np.stack([rng.random(200), 2 * rng.random(200) - 1], axis=1)
    seen = (points, u(*points.T), 1e-8)
    solution = solve_linear_pde((X, Y), LAPLACE, f, observations=seen, rng=0)
    assert error(solution, u, XT, YT) < 1e-5


def test_coefficients_that_vary():
    terms = {
        (2, 0): lambda x, y: 1 + x * y**2,
        (0, 2): (np.exp, 2.0),
        (1, 0): np.full((40, 44), -3.0),
    }

    def source(x, y):
        slope = 40 * np.cos(40 * x) * np.cos(23 * y)
        return (-1600 * (1 + x * y**2) - 1058 * np.exp(x)) * u(x, y) - 3 * slope

    solution = solve_linear_pde((X, Y), terms, source, u, rng=0)
    assert error(solution, u, XT, YT) < 1e-8


def test_advection_from_its_inflow_alone():
    def wave(x, y):
        return np.sin(x - 60 * y)

    axes = np.linspace(0.0, 1.0, 90), np.linspace(0.0, 1.0, 90)
    solution = solve_linear_pde(
        axes, {(1, 0): 60.0, (0, 1): 1.0}, 0.0, {(0, 0): wave, (1, 0): wave}, rng=0
    )
    assert error(solution, wave, XT, XT) < 1e-7


def test_three_dimensions():
    axes = tuple(np.linspace(0.0, 1.0, n) for n in (40, 42, 44))

    def wave(x, y, z):
        return np.sin(43 * x) * np.cos(52 * y) * np.sin(47 * z)

    terms = {(2, 0, 0): 1.0, (0, 2, 0): 1.0, (0, 0, 2): 1.0}
    size = 43**2 + 52**2 + 47**2
    solution = solve_linear_pde(axes, terms, lambda x, y, z: -size * wave(x, y, z), wave, rng=0)
    t = np.linspace(0.0, 1.0, 15)
    assert error(solution, wave, t, t[:9], t[3:]) < 1e-8
    assert solution.mean(t, t[:9], t[3:]).shape == (15, 9, 12)
    assert np.all(solution.std(t[:4], t[:3], t[:2]) > 0)


def test_a_series_on_a_larger_box_needs_no_lines():
    n, omega = 120, 80 * np.pi  # forty oscillations per axis

    def waves(x, y):
        return np.sin(omega * x) * np.sin(omega * y)

    x = np.linspace(0.0, 1.0, n)
    solution = solve_linear_pde(
        (x, x), LAPLACE, lambda x, y: -2 * omega**2 * waves(x, y), waves, "extension", rng=0
    )
    assert solution.report.route == "extension"
    t = np.linspace(0.0, 1.0, 151)
    assert error(solution, waves, t, t) < 1e-3
    miss = np.abs(solution.mean(t, t) - on(waves, t, t))
    assert np.mean(miss > 3 * solution.std(t, t)) < 0.05


def test_the_series_takes_over_where_no_lines_are():
    def chirp(x, y):
        return np.sin(40 * x * y) + x

    solution = solve_linear_pde(
        (np.linspace(0.0, 1.0, 90),) * 2,
        LAPLACE,
        lambda x, y: -1600 * (x * x + y * y) * np.sin(40 * x * y),
        chirp,
        rng=0,
    )
    assert error(solution, chirp, XT, XT) < 1e-3


def test_nothing_given_is_nothing():
    solution = solve_linear_pde((X[::3], Y[::3]), LAPLACE, 0.0, lambda x, y: 0.0, rng=0)
    assert np.max(np.abs(solution.mean(XT, YT))) == 0


def test_corners_that_disagree_are_reported():
    sides = {**SIDES, (0, 0): u(0.0, Y) + 1.0}
    with (
        pytest.warns(UserWarning, match="where they meet"),
        pytest.warns(ConvergenceWarning, match="relative residual"),
    ):
        solution = solve_linear_pde((X, Y), LAPLACE, f, sides, rng=0)
    assert solution.report.corner_mismatch > 0.4
    assert not solution.converged


def test_single_precision():
    x, y = X.astype(np.float32), Y.astype(np.float32)
    solution = solve_linear_pde((x, y), LAPLACE, f, u, rng=0)
    made = solution.mean(XT.astype(np.float32), YT.astype(np.float32))
    assert made.dtype == np.float32
    truth = on(u, XT, YT)
    assert np.linalg.norm(made - truth) < 1e-4 * np.linalg.norm(truth)


def test_a_prior_of_your_own():
    kernel = SpectralMixture([1.0, 1.0], [0.0, 40 / (2 * np.pi)], [0.5, 0.3])
    solution = solve_linear_pde((X,), {2: 1.0}, -1600 * np.sin(40 * X), np.sin, kernel, rng=0)
    slope = np.sin(1.0) - np.sin(40.0)
    assert np.max(np.abs(solution.mean(XT) - np.sin(40 * XT) - slope * XT)) < 1e-6
    assert solution.report.route == "given"
    fast = SpectralMixture([1.0, 1.0], [0.0, 30.0], [0.5, 0.3])
    with pytest.warns(UserWarning, match="show it as 9"):
        solve_linear_pde((X,), {2: 1.0}, np.sin(2 * np.pi * 9 * X), np.sin, fast, rng=0)


def test_other_libraries(library):
    xp = library.xp
    axes = [library.asarray(np.linspace(0.0, 1.0, 30)), library.asarray(np.linspace(0.0, 1.0, 32))]

    def wave(x, y):
        return xp.sin(40 * x) * xp.cos(31 * y)

    solution = solve_linear_pde(
        Grid(*axes), LAPLACE, lambda x, y: -(1600 + 961) * wave(x, y), wave, rng=0
    )
    t = np.linspace(0.0, 1.0, 9)
    mean = library.to_numpy(solution.mean(library.asarray(t), library.asarray(t)))
    assert np.max(np.abs(mean - np.sin(40 * t)[:, None] * np.cos(31 * t))) < 1e-8
    assert library.to_numpy(solution.std(library.asarray(t), library.asarray(t))).shape == (9, 9)


@pytest.mark.parametrize(
    ("change", "error_type", "match"),
    [
        ({"rhs": np.ones((44, 40))}, ValueError, "C order"),
        ({"rhs": np.full((40, 44), np.inf)}, ValueError, "NaN or Inf at \\[0, 0\\]"),
        ({"rhs": 1j * np.ones((40, 44))}, TypeError, "complex"),
        ({"noise": -1.0}, ValueError, "noise is -1.0"),
        ({"noise": np.zeros((40, 44))}, ValueError, "not > 0"),
        ({"missing": "zero"}, ValueError, "missing is 'zero'"),
        ({"kernel": "magic"}, ValueError, "kernel is 'magic'"),
        ({"kernel": [1, 2]}, ValueError, "kernel is"),
        ({"observations": (np.ones((3, 2)), np.ones(3))}, ValueError, "observations is not"),
        ({"observations": (np.ones((3, 1)), np.ones(3), 1.0)}, ValueError, "\\(N, 2\\)"),
        ({"observations": (np.ones((3, 2)), np.ones(3), 0.0)}, ValueError, "finite and > 0"),
        ({"grid": (X, Y[::-1])}, ValueError, "not ascending"),
        ({"grid": (X, np.zeros(4))}, ValueError, "equal"),
    ],
)
def test_bad_input_is_refused(change, error_type, match):
    arguments = {"grid": (X, Y), "terms": LAPLACE, "rhs": f, "boundary": u, "rng": 0, **change}
    with pytest.raises(error_type, match=match):
        solve_linear_pde(**arguments)


def test_bad_points_are_refused():
    solution = solve_linear_pde((X,), {2: 1.0}, -1600 * np.sin(40 * X), np.sin, rng=0)
    with pytest.raises(ValueError, match="2 vectors of points"):
        solution.mean(XT, XT)
    with pytest.raises(ValueError, match="pass a vector"):
        solution.mean(np.ones((2, 2)))
    with pytest.raises(ValueError, match="count is 0"):
        solution.sample(XT, count=0)
    assert "converged by lines" in repr(solution)


def test_too_many_unknowns_are_refused_before_they_are_factorised(rng):
    x = np.linspace(0.0, 1.0, 130)
    source = rng.standard_normal((130, 130))
    terms = {(2, 0): 1.0, (0, 2): 1.0, (1, 1): 0.5}
    with pytest.raises(ValueError, match="at most 8000 are factorised"):
        solve_linear_pde((x, x), terms, source, lambda x, y: 0.0, rng=0)


def test_axis_by_axis_agrees_with_the_normal_matrix(library, monkeypatch):
    xp = library.xp
    x, y = np.linspace(0.0, 1.0, 24), np.linspace(0.0, 1.0, 26)
    axes = library.asarray(x), library.asarray(y)

    def wave(x, y):
        return xp.sin(40 * x) * xp.cos(31 * y)

    def solve():
        return solve_linear_pde(axes, LAPLACE, lambda x, y: -2561 * wave(x, y), wave, rng=0)

    t = library.asarray(np.linspace(0.0, 1.0, 7))
    whole = library.to_numpy(solve().mean(t, t))
    monkeypatch.setattr("structlin.solvers.gp_pde._posteriors.condition.quickly_factorised", 0)
    apart = solve()
    assert np.max(np.abs(library.to_numpy(apart.mean(t, t)) - whole)) < 1e-8
    assert np.all(library.to_numpy(apart.std(t, t)) > 0)
    assert apart.sample(t, t, count=2).shape == (2, 7, 7)


def test_lines_that_are_not_there_are_not_replaced():
    with pytest.raises(ValueError, match="no few spectral lines make up the data"):
        solve_linear_pde((X,), {2: 1.0}, np.exp(-((X - X.mean()) ** 2) / 1e-3), 0.0, "lines")


def test_solutions_are_at_the_nodes_unless_points_are_passed():
    for solver in (solve_linear_pde, collocation):
        x = np.cos(np.linspace(np.pi, 0.0, 40)) if solver is collocation else X
        solution = solver((x,), {2: 1.0}, lambda x: -16 * np.sin(4 * x), lambda x: np.sin(4 * x))
        np.testing.assert_array_equal(solution.mean(), solution.mean(x))
        np.testing.assert_array_equal(solution.mean(Grid(x)), solution.mean(x))
        assert np.max(np.abs(solution.mean() - np.sin(4 * x))) < 1e-6


def test_a_kernel_above_nyquist_is_told_with_its_alias():
    x = np.linspace(0.0, 1.0, 21)  # sampled 20 times per unit
    kernel = SpectralMixture([1.0, 1.0], [0.0, 13.0], [0.5, 0.5])
    with pytest.warns(UserWarning, match="13 of axis 0 is above the Nyquist frequency 10 .* as 7"):
        solve_linear_pde((x,), {2: 1.0}, 0.0, np.cos, kernel, noise=1.0, rng=0)


def test_one_node_on_an_axis():
    x, y = X, np.array([0.3])
    solution = solve_linear_pde(
        (x, y),
        {(2, 0): 1.0},
        lambda x, y: -900 * np.sin(30 * x) + 0 * y,
        lambda x, y: np.sin(30 * x),
    )
    np.testing.assert_allclose(solution.mean()[:, 0], np.sin(30 * X), atol=1e-6)
