"""The heat equation: closed forms, convergence orders, and published iteration counts."""

from __future__ import annotations

import functools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin import ConvergenceWarning
from structlin.solvers import HeatEquation2D, RelaxationLayer, cg, fast_sine, sor, ssor_cg


def mode(x, y):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


def no_source(x, y, t):
    return 0.0


def discrete_eigenvalue(nx):
    """Return that of the scaled five-point Laplacian for the slowest mode."""
    return 8 * nx**2 * math.sin(math.pi / (2 * nx)) ** 2


@given(nx=st.integers(2, 12), dt=st.floats(1e-4, 0.1), steps=st.integers(0, 12))
def test_a_mode_decays_by_the_factor_of_crank_nicolson(nx, dt, steps):
    def kappa(t):
        return 1 + math.sin(t) ** 2

    heat = HeatEquation2D(nx, dt=dt, conductivity=kappa, source=no_source, initial=mode)
    run = heat.run(steps, fast_sine)
    factor = 1.0
    for k in range(steps):
        half = kappa((k + 0.5) * dt) * dt * discrete_eigenvalue(nx) / 2
        factor *= (1 - half) / (1 + half)
    np.testing.assert_allclose(run.u, factor * mode(heat.x, heat.y), rtol=0, atol=1e-13)
    assert run.time == steps * dt


def observed_orders(errors):
    return np.log2(np.array(errors[:-1]) / errors[1:])


def test_second_order_in_time():
    """On a fixed grid, against the exact decay ``exp(−λ ∫ κ dt)`` of the mode."""
    nx, end, errors = 8, 0.2, []
    for steps in (10, 20, 40, 80):
        heat = HeatEquation2D(
            nx, dt=end / steps, conductivity=math.exp, source=no_source, initial=mode
        )
        exact = math.exp(-discrete_eigenvalue(nx) * (math.exp(end) - 1)) * mode(heat.x, heat.y)
        errors.append(np.abs(heat.run(steps, fast_sine).u - exact).max())
    assert observed_orders(errors) == pytest.approx([2, 2, 2], abs=0.1)


def test_second_order_in_space_and_time_with_a_source():
    """``u = cos(t) sin(πx) sin(πy)`` with the source that makes it a solution."""

    def kappa(t):
        return 0.1 + 0.05 * t

    def source(x, y, t):
        return (2 * math.pi**2 * kappa(t) * math.cos(t) - math.sin(t)) * mode(x, y)

    errors = []
    for nx in (8, 16, 32, 64):
        heat = HeatEquation2D(nx, dt=1 / nx, conductivity=kappa, source=source, initial=mode)
        exact = math.cos(1) * mode(heat.x, heat.y)
        errors.append(np.abs(heat.run(nx, fast_sine).u - exact).max())
    assert observed_orders(errors) == pytest.approx([2, 2, 2], abs=0.1)


def test_one_step_against_a_dense_solve():
    """The defaults, with every matrix written out: ``u[i, j]`` is at ``(x_i, y_j)``."""
    nx, t = 7, 0.613
    heat = HeatEquation2D(nx)
    points = np.arange(1, nx) / nx
    x, y = np.meshgrid(points, points, indexing="ij")
    second = np.eye(nx - 1, k=1) + np.eye(nx - 1, k=-1) - 2 * np.eye(nx - 1)
    laplacian = nx**2 * (np.kron(second, np.eye(nx - 1)) + np.kron(np.eye(nx - 1), second))
    middle = t + 0.0005
    kappa = max(0.1 * math.sin(2 * math.pi * middle), -10 * math.sin(2 * math.pi * middle))
    cx = 0.5 + math.cos(16 * math.pi * middle) / 4
    cy = 0.5 + math.sin(16 * math.pi * middle) / 4
    r2 = ((x - cx) ** 2 + (y - cy) ** 2) / 0.125**2
    heating = np.zeros_like(x)
    heating[r2 < 1] = 32 * np.exp(1 - 1 / (1 - r2[r2 < 1]))
    u = np.random.default_rng(0).random((nx - 1, nx - 1))
    half = 0.5 * kappa * 1e-3 * laplacian
    identity = np.eye((nx - 1) ** 2)
    b = (identity + half) @ u.ravel() + 1e-3 * heating.ravel()
    expected = np.linalg.solve(identity - half, b).reshape(u.shape)
    solution = heat.step(u, t, fast_sine, rtol=1e-10)
    np.testing.assert_allclose(solution.x, expected, rtol=1e-12)
    np.testing.assert_allclose(heat.matrix(t).todense(), identity - half, rtol=1e-12)


def test_default_start_and_source():
    heat = HeatEquation2D(8)
    start = heat.initial(heat.x, heat.y)
    assert start[3, 3] == 1  # the centre
    assert start[3, 4] == pytest.approx(math.exp(1 - 1 / (1 - 0.25)))
    assert (start > 0).sum() == 9  # points closer to the centre than 1/4
    assert heat.source(heat.x, heat.y, 0.0)[5, 3] == 32  # begins at (3/4, 1/2)
    assert heat.source(heat.x, heat.y, 1 / 32)[3, 5] == pytest.approx(32)  # and turns left
    assert heat.conductivity(0.25) == pytest.approx(0.1)
    assert heat.conductivity(0.75) == pytest.approx(10)


# iterations of 600 steps with nx = 25, counted by an independent implementation
COUNTS = {
    "cg": (cg, 4155),
    "ssor 1": (functools.partial(ssor_cg, omega=1.0, sweep_order="backward-forward"), 1744),
    "ssor 1.5": (functools.partial(ssor_cg, omega=1.5, sweep_order="backward-forward"), 2628),
    "red-black 1": (functools.partial(sor, omega=1.0, ordering="red-black"), 5021),
    "red-black 1.4": (functools.partial(sor, omega=1.4, ordering="red-black"), 9763),
    "lexicographic 1.4": (functools.partial(sor, omega=1.4, ordering="lexicographic"), 9511),
}


@pytest.mark.parametrize("name", COUNTS)
def test_iteration_counts(name):
    solver, expected = COUNTS[name]
    run = HeatEquation2D(25).run(600, solver)
    assert run.converged
    assert run.iterations.sum() == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("omega", "expected"),
    [(None, 85422), (1.0, 32800), (1.3, 29802), (1.5, 32296), (1.75, 44898), (1.95, 63050)],
)
def test_iteration_counts_of_the_published_experiment(omega, expected):
    """Totals of the program published with Khodak et al. (2024) at nx = 25, 5000 steps."""
    solver = cg
    if omega is not None:
        solver = functools.partial(ssor_cg, omega=omega, sweep_order="backward-forward")
    run = HeatEquation2D(25).run(5000, solver)
    assert abs(run.iterations.sum() - expected) <= 2  # rounding may move a step by one


@pytest.mark.parametrize(
    "make",
    [
        lambda: cg,
        lambda: functools.partial(sor, omega=1.3),
        lambda: functools.partial(ssor_cg, omega=1.3),
        lambda: RelaxationLayer(rng=0),
        lambda: RelaxationLayer(ssor_cg, rng=0),
    ],
    ids=["cg", "sor", "ssor-cg", "learned sor", "learned ssor-cg"],
)
def test_every_solver_arrives_at_the_same_temperature(make):
    heat = HeatEquation2D(12, dt=0.01)
    direct = heat.run(100, fast_sine)
    run = heat.run(100, make())
    assert run.converged
    assert direct.converged
    assert np.linalg.norm(run.u - direct.u) <= 1e-6 * np.linalg.norm(direct.u)


def test_extrapolated_starts_save_iterations_and_change_nothing():
    heat = HeatEquation2D(12, conductivity=lambda t: 0.1)
    previous = heat.run(40, cg)
    extrapolated = heat.run(40, cg, start="extrapolated")
    assert extrapolated.converged
    np.testing.assert_allclose(extrapolated.u, previous.u, rtol=0, atol=1e-6 * previous.u.max())
    assert extrapolated.iterations[0] == previous.iterations[0]
    assert extrapolated.iterations.sum() < previous.iterations.sum()
    np.testing.assert_array_equal(heat.run(1, cg, start="extrapolated").u, heat.run(1, cg).u)
    with pytest.raises(ValueError, match="start is 'warm': pass 'previous' or 'extrapolated'"):
        heat.run(1, cg, start="warm")


def test_a_run_reports_what_its_solver_did():
    layer = RelaxationLayer(rng=0)
    run = HeatEquation2D(10).run(30, layer, snapshots=[0, 7, 30])
    assert run.iterations.sum() == layer.iterations
    assert run.omegas.tolist() == layer.history.values.tolist()
    assert run.iterations.shape == run.omegas.shape == run.seconds.shape == (30,)
    assert np.all(run.seconds > 0)
    assert list(run.snapshots) == [0, 7, 30]
    np.testing.assert_array_equal(run.snapshots[30], run.u)
    again = HeatEquation2D(10).run(7, RelaxationLayer(rng=0))
    np.testing.assert_array_equal(run.snapshots[7], again.u)
    assert np.isnan(HeatEquation2D(10).run(2, cg).omegas).all()
    assert repr(again).startswith("<HeatRun to t=0.007: 7 steps, ")


def test_a_step_is_what_a_run_does():
    heat = HeatEquation2D(9, dt=0.02)
    u = heat.run(3, cg).u
    np.testing.assert_array_equal(heat.step(u, 0.06, cg, rtol=1e-8).x, heat.run(4, cg).u)


def test_unconverged_steps_are_reported():
    with pytest.warns(ConvergenceWarning):
        run = HeatEquation2D(10).run(3, functools.partial(cg, maxiter=1))
    assert not run.converged
    assert "NOT converged" in repr(run)


@pytest.mark.parametrize("solver", [fast_sine, cg, functools.partial(sor, omega=1.2)])
def test_nothing_stays_nothing(solver):
    cold = HeatEquation2D(6, source=no_source, initial=lambda x, y: 0.0)
    run = cold.run(4, solver)
    assert run.converged
    assert run.iterations.sum() == 0
    assert not run.u.any()


def test_no_diffusion_at_all():
    still = HeatEquation2D(6, conductivity=lambda t: 0.0, source=lambda x, y, t: x + t, dt=0.5)
    run = still.run(2, functools.partial(sor, omega=1.0))
    np.testing.assert_allclose(run.u, still.initial(still.x, still.y) + still.x + 0.5, rtol=1e-8)


@pytest.mark.parametrize("nx", [2, 3])
def test_smallest_grids(nx):
    run = HeatEquation2D(nx).run(3, RelaxationLayer(rng=0))
    assert run.u.shape == (nx - 1, nx - 1)
    assert run.converged


@pytest.mark.parametrize("solver", [fast_sine, cg, "learned"])
def test_lives_where_it_is_told(library, solver):
    heat = HeatEquation2D(5, like=library.asarray(np.empty(0)))
    run = heat.run(3, RelaxationLayer(rng=0) if solver == "learned" else solver)
    assert run.u.device == heat.x.device == library.device
    host = HeatEquation2D(5).run(3, fast_sine)
    np.testing.assert_allclose(library.to_numpy(run.u), host.u, rtol=0, atol=1e-7)


def test_single_precision():
    heat = HeatEquation2D(8, like=np.empty(0, dtype=np.float32))
    run = heat.run(5, fast_sine, rtol=1e-5)
    assert run.u.dtype == np.float32
    np.testing.assert_allclose(run.u, HeatEquation2D(8).run(5, fast_sine).u, atol=1e-5)


def test_progress(capfd):
    heat = HeatEquation2D(4)
    heat.run(3, cg, progress=True)
    assert "heat equation" in capfd.readouterr().err
    heat.run(3, cg)  # done in less than a second
    heat.run(3, cg, progress=False)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nx": 1}, "nx is 1: at least 2"),
        ({"dt": 0.0}, "dt is 0.0: it must be positive"),
        ({"dt": float("nan")}, "dt is nan"),
        ({"dt": float("inf")}, "dt is inf"),
        ({"dt": 10**400}, "dt is inf"),
    ],
)
def test_bad_grids(arguments, message):
    with pytest.raises(ValueError, match=message):
        HeatEquation2D(**arguments)


@pytest.mark.parametrize("dt", ["a", None, 1j, np.ones(2)])
def test_the_time_step_must_be_a_number(dt):
    with pytest.raises(TypeError, match=r"dt is .*: it must be a real number"):
        HeatEquation2D(dt=dt)


@pytest.mark.parametrize("dtype", ["int64", "complex128", "float16", "longdouble"])
def test_like_must_be_of_a_precision_that_the_solvers_know(dtype):
    with pytest.raises(TypeError, match=r"like has dtype .*: it must be float32 or float64"):
        HeatEquation2D(like=np.empty(0, dtype=dtype))


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"conductivity": lambda t: -1.0}, r"conductivity\(0.0005\) is -1.0: it must be >= 0"),
        ({"conductivity": lambda t: math.nan}, "is nan"),
        ({"source": lambda x, y, t: x * math.nan}, r"source has a NaN or Inf at \[0, 0\]"),
        ({"initial": lambda x, y: math.inf}, "initial has a NaN or Inf"),
        ({"initial": lambda x, y: np.ones(7)}, r"initial has shape \(7,\): it must be \(4, 4\)"),
        ({"source": lambda x, y, t: np.ones((3, 3))}, r"source has shape \(3, 3\)"),
        ({"conductivity": lambda t: 10**400}, "is inf"),
    ],
)
def test_bad_functions(functions, message):
    with pytest.raises(ValueError, match=message):
        HeatEquation2D(5, **functions).run(2, cg)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"source": lambda x, y, t: 1j * x * y}, "source has dtype complex128: .* real"),
        ({"initial": lambda x, y: 1j}, "initial has dtype complex128"),
        ({"initial": lambda x, y: None}, "initial has dtype object"),
        ({"source": lambda x, y, t: [[1], [2, 3]]}, "source is no array of numbers"),
        ({"conductivity": lambda t: None}, r"conductivity\(0.0005\) is None: .* a real number"),
        ({"conductivity": lambda t: np.ones(3)}, r"is array\(\[1., 1., 1.\]\)"),
        ({"conductivity": lambda t: np.array(1j)}, "is 1j"),
        ({"conductivity": 3.0}, "conductivity is 3.0: pass a function"),
    ],
)
def test_functions_of_another_type(functions, message):
    with pytest.raises(TypeError, match=message):
        HeatEquation2D(5, **functions).run(2, cg)


def test_conductivity_may_be_an_array_without_axes():
    run = HeatEquation2D(5, conductivity=lambda t: np.where(t < 1, 2.0, 3.0)).run(2, cg)
    np.testing.assert_array_equal(run.u, HeatEquation2D(5, conductivity=lambda t: 2.0).run(2, cg).u)


@pytest.mark.parametrize(
    ("u", "error", "message"),
    [
        (np.ones(16), ValueError, r"u has shape \(16,\): it must be \(4, 4\)"),
        (None, ValueError, r"u has shape \(\)"),
        (np.full((4, 4), np.nan), ValueError, r"u has a NaN or Inf at \[0, 0\]"),
        (np.full((4, 4), 1j), TypeError, "u has dtype complex128"),
    ],
)
def test_bad_temperatures(u, error, message):
    with pytest.raises(error, match=message):
        HeatEquation2D(5).step(u, 0.0, cg)


@pytest.mark.parametrize("solver", [fast_sine, cg, functools.partial(sor, omega=1.2), "learned"])
def test_what_cools_down_ever_further_goes_on_cooling(solver):
    """Squares of temperatures far below the smallest single-precision number vanish."""
    solver = RelaxationLayer(rng=0) if solver == "learned" else solver
    like = np.ones(1, dtype=np.float32)
    heat = HeatEquation2D(16, like=like, conductivity=lambda t: 10.0, source=no_source)
    run = heat.run(600, solver, rtol=1e-5, progress=False)
    assert run.converged
    assert run.u.max() < 1e-40


@pytest.mark.parametrize("size", [1e-300, 1e200])
@pytest.mark.parametrize("solver", [fast_sine, cg, functools.partial(sor, omega=1.2)])
def test_the_unit_of_temperature_does_not_matter(solver, size):
    heat = HeatEquation2D(8, source=no_source, initial=lambda x, y: size * mode(x, y))
    plain = HeatEquation2D(8, source=no_source, initial=mode)
    u = heat.run(5, solver).u
    np.testing.assert_allclose(u / size, plain.run(5, solver).u, rtol=1e-7)


def test_bad_runs():
    heat = HeatEquation2D(5)
    with pytest.raises(ValueError, match="steps is -1"):
        heat.run(-1, cg)
    with pytest.raises(ValueError, match="snapshot 4 is outside the 3 steps"):
        heat.run(3, cg, snapshots=[1, 4])
    with pytest.raises(TypeError):
        heat.run(2.5, cg)
    with pytest.raises(TypeError, match="solver is None: pass a function"):
        heat.run(3, None)
    with pytest.raises(TypeError, match="solver is None: pass a function"):
        heat.step(np.ones((4, 4)), 0.0, None)
    with pytest.raises(TypeError, match="returned None: a solver returns a Solution"):
        heat.run(3, lambda A, b, **options: None)
    with pytest.raises(ValueError, match="rtol is inf: a tolerance"):
        heat.run(3, cg, rtol=math.inf)
