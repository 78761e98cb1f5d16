"""Runs: shapes, samples, array libraries, bad input, and what is reported."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.bases import Grid
from structlin.solvers.evolution import (
    EigenSpace,
    FourierSpace,
    SpectralEquation,
    _run,
    active_fluid,
    advection,
    allen_cahn,
    burgers,
    evolve,
    heat_equation,
    kuramoto_sivashinsky,
    navier_stokes,
    step_limit,
)
from structlin.solvers.evolution.etdrk4 import Etdrk4
from tests.solvers.evolution.grids import periodic, smooth

methods = ["etdrk4", "cnab2", "sbdf2"]
coarse = pytest.mark.filterwarnings("ignore:the highest modes")


def runs(grid: Grid, name: str):
    """Return an equation and a smooth start of three samples."""
    rng = np.random.default_rng(0)
    if name == "burgers":
        return burgers(grid, 0.2), smooth(grid, rng, 3)
    if name == "active_fluid":
        return active_fluid(grid, 1.0), 1 + 0.2 * smooth(grid, rng, 3, 2)
    if name == "navier_stokes":
        f = grid.xp.asarray(smooth(grid, rng), device=grid.device)
        return navier_stokes(grid, 0.2, forcing=f), smooth(grid, rng, 3)
    return heat_equation(grid, 0.2), smooth(grid, rng, 3)


@coarse
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["burgers", "active_fluid", "navier_stokes", "heat"])
def test_libraries_and_precisions_agree(library, name, dtype):
    shape = (24, 24) if name == "navier_stokes" else 24
    grid = periodic(shape, like=library.asarray(np.empty(0)))
    equation, u0 = runs(grid, name)
    run = evolve(equation, library.asarray(u0, dtype=dtype), [0.0, 0.2], dt=0.02)
    assert run.u.dtype == library.dtype(dtype)
    assert run.u.device == library.asarray(u0).device
    host = evolve(runs(periodic(shape), name)[0], u0, [0.0, 0.2], dt=0.02)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(library.to_numpy(run.u), host.u, atol=tolerance)
    assert run.status == "finished"


@coarse
@pytest.mark.parametrize("method", methods)
@pytest.mark.parametrize("name", ["burgers", "active_fluid"])
def test_samples_do_not_know_each_other(name, method):
    equation, u0 = runs(periodic(24), name)
    settings = {"dt": 0.02, "method": method}
    run = evolve(equation, np.stack([u0, -u0 + 2]), [0.1, 0.3], **settings)
    assert run.u.shape == (2, 3, 2, *equation.state_shape)
    assert run.spectral_tail.shape == (2, 3, 2)
    assert run.blow_up.shape == (2, 3)
    alone = evolve(equation, -u0[1] + 2, 0.3, **settings)
    assert alone.u.shape == equation.state_shape
    np.testing.assert_allclose(run.u[1, 1, 1], alone.u, atol=1e-13)


@coarse
@pytest.mark.parametrize("method", methods)
def test_times_on_the_way_change_nothing(method):
    equation, u0 = runs(periodic(24), "burgers")
    times = np.linspace(0, 0.5, 6)
    run = evolve(equation, u0, times, dt=0.01, method=method)
    direct = evolve(equation, u0, 0.5, dt=0.01, method=method)
    assert run.steps == direct.steps == 50
    np.testing.assert_allclose(run.u[:, -1], direct.u, atol=1e-13)
    np.testing.assert_array_equal(run.u[:, 0], u0)


def test_many_samples_are_worked_on_in_parts():
    grid = periodic(1024)
    u0 = np.random.default_rng(0).uniform(1, 2, (70, 1)) * np.sin(grid.axes[0])
    equation = burgers(grid, 0.5)
    run = evolve(equation, u0, 0.01, dt=0.002)
    for sample in (0, 40, 69):
        np.testing.assert_allclose(run.u[sample], evolve(equation, u0[sample], 0.01, dt=0.002).u)


@coarse
def test_a_forcing_for_each_sample():
    grid = periodic((16, 16))
    rng = np.random.default_rng(1)
    u0, f = smooth(grid, rng), smooth(grid, rng, 4)
    run = evolve(navier_stokes(grid, 0.1, forcing=f), u0, 1.0, dt=0.05)
    assert run.u.shape == f.shape
    for u, force in zip(run.u, f, strict=True):
        alone = evolve(navier_stokes(grid, 0.1, forcing=force), u0, 1.0, dt=0.05).u
        np.testing.assert_allclose(u, alone, atol=1e-13)
    with pytest.raises(ValueError, match=r"samples of shape \(3,\) but the forcing"):
        evolve(navier_stokes(grid, 0.1, forcing=f), f[:3], 1.0, dt=0.05)


def test_no_samples_at_all():
    grid = periodic(16)
    run = evolve(burgers(grid, 0.1), np.empty((0, 16)), [0.1, 0.2], dt=0.01)
    assert run.u.shape == (0, 2, 16)
    assert run.status == "finished"


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_linear_equations_know_no_scale(scale):
    grid = Grid.uniform([(0, 1)], 9)
    u0 = np.sin(np.pi * grid.axes[0])
    run = evolve(heat_equation(grid), scale * u0, 0.1)
    np.testing.assert_allclose(
        run.u, scale * evolve(heat_equation(grid), u0, 0.1).u, rtol=1e-12, atol=0
    )


def test_a_blow_up_is_reported_with_its_sample():
    grid = periodic(16)
    space = FourierSpace(grid)
    # u' = u² becomes infinite at t = 1/u₀
    square = SpectralEquation(space, 0.0, lambda c, t: space.to_modes(space.from_modes(c) ** 2))
    u0 = np.array([0.1, 2.0, 0.2, 1.0])[:, None] * np.ones(16)
    with pytest.warns(ConvergenceWarning, match=r"sample 1 .* blew up after t=0.4.* \(2 samples"):
        run = evolve(square, u0, [0.25, 1.5], dt=0.01)
    assert run.status == "blew up"
    np.testing.assert_allclose(run.blow_up, [np.inf, 0.5, np.inf, 1.0], atol=0.17)
    assert np.all(run.blow_up[[1, 3]] <= [0.5, 1.0])
    assert np.all(np.isnan(run.u[[1, 3], 1]))
    good = u0[[0, 2], 0] / (1 - 1.5 * u0[[0, 2], 0])
    np.testing.assert_allclose(run.u[[0, 2], 1, 0], good, rtol=1e-6)
    np.testing.assert_allclose(run.u[1, 0], 4.0, rtol=1e-4)


def test_steps_beyond_the_stable_ones_are_announced_and_the_blow_up_caught():
    grid = periodic(64)
    equation, u0 = burgers(grid, 1e-3), 5 * np.sin(grid.axes[0])
    assert step_limit(equation, u0) == pytest.approx(2**1.5 / (5 * 21))
    assert step_limit(equation, u0, method="sbdf2") == pytest.approx(0.5 / (5 * 21))
    with pytest.warns(ConvergenceWarning) as caught:
        run = evolve(equation, u0, 50.0, dt=0.3)
    messages = [str(w.message) for w in caught]
    assert any("stable up to 0.0269" in m for m in messages)
    assert any("blew up" in m for m in messages)
    assert run.dt_max == pytest.approx(2**1.5 / 105)


def test_a_step_of_order_four_takes_so_many_transforms(monkeypatch):
    lines = []
    for name in ("to_modes", "from_modes"):
        inner = getattr(FourierSpace, name)

        def counted(self, x, inner=inner):
            lines.append(int(np.prod(x.shape[: -self.grid.ndim])))
            return inner(self, x)

        monkeypatch.setattr(FourierSpace, name, counted)
    starts = {
        burgers(periodic(64), 1.0): (0.1 * np.sin(periodic(64).axes[0]), 8),
        navier_stokes(periodic((16, 16)), 1.0): (np.zeros((16, 16)), 16),
        active_fluid(periodic(64), 0.1): (np.ones((2, 64)), 24),
    }
    for equation, (u0, most) in starts.items():
        counts = []
        for steps in (1, 3):
            lines.clear()
            evolve(equation, u0, 0.001, dt=0.001 / steps)
            counts.append(sum(lines))
        assert counts[1] - counts[0] == 2 * most


def test_damped_modes_do_not_limit_steps():
    # |u| k < ν k² for all modes
    assert step_limit(burgers(periodic(64), 2.0), np.ones(64)) == np.inf
    # and where k < |u|/ν they do
    assert burgers(periodic(64), 0.101).fastest(np.ones(64)) == 9


@coarse
def test_default_steps_are_stable_and_accurate():
    grid = periodic(64)
    for equation, u0, time in [
        (burgers(grid, 0.1), np.sin(grid.axes[0]), 2.0),
        (allen_cahn(grid, 0.3), 0.01 * np.sin(grid.axes[0]), 8.0),
        (kuramoto_sivashinsky(periodic(64, 20.0)), 1e-3 * np.sin(grid.axes[0]), 10.0),
    ]:
        run = evolve(equation, u0, time)
        fine = evolve(equation, u0, time, dt=run.dt / 4)
        np.testing.assert_allclose(run.u, fine.u, atol=2e-2 * np.max(np.abs(fine.u)))


def test_a_start_too_rough_for_the_grid_is_reported():
    grid = periodic(32)
    with pytest.warns(ConvergenceWarning, match="grid is too coarse"):
        run = evolve(burgers(grid, 0.01), np.sin(grid.axes[0]), 1.5, dt=0.02)
    assert run.spectral_tail > 1e-6
    assert evolve(burgers(grid, 1.0), np.sin(grid.axes[0]), 1.5, dt=0.02).spectral_tail < 1e-6


def test_nan_is_named_by_its_sample():
    grid = periodic((4, 4))
    u0 = np.ones((2, 3, 4, 4))
    u0[1, 1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"NaN or Inf in sample \[1, 1\], at \[2, 3\]"):
        evolve(navier_stokes(grid, 1.0), u0, 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"times": [1.0, 0.5]}, "ascend"),
        ({"times": -1.0}, "ascend"),
        ({"times": [[1.0]]}, "vector"),
        ({"times": np.nan}, "finite"),
        ({"times": []}, "vector"),
        ({"dt": 0.0}, "dt is 0.0"),
        ({"dt": "fast"}, "dt is 'fast'"),
        ({"method": "euler"}, "etdrk4, cnab2, sbdf2"),
        ({"u0": np.ones((8, 7))}, r"u0 has shape \(8, 7\)"),
        ({"u0": np.ones(())}, r"u0 has shape \(\)"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    given = {"u0": np.ones(8), "times": 1.0, "dt": 0.1} | settings
    with pytest.raises(ValueError, match=message):
        evolve(burgers(periodic(8), 1.0), **given)


def test_complex_states_need_a_complex_space():
    with pytest.raises(TypeError, match="real=False"):
        evolve(burgers(periodic(8), 1.0), np.ones(8) * 1j, 1.0, dt=0.1)


def test_a_duplicated_end_is_named():
    with pytest.raises(ValueError, match="last node repeats the first"):
        FourierSpace(Grid.uniform([(0, 1)], 9))


def test_equations_without_a_known_rate_need_a_step():
    space = FourierSpace(periodic(8))
    equation = SpectralEquation(space, 0.0, lambda c, t: -c)
    with pytest.raises(ValueError, match=r"step of the equation is known: pass dt, .* rates="):
        evolve(equation, np.ones(8), 1.0)
    run = evolve(equation, np.ones(8), 1.0, dt=0.1)
    np.testing.assert_allclose(run.u, np.exp(-1), rtol=1e-6)


def test_implicit_steps_longer_than_growth_are_refused():
    equation = SpectralEquation(FourierSpace(periodic(8)), 3.0)
    for method in ("cnab2", "sbdf2"):
        with pytest.raises(ValueError, match="grow at the rate 3"):
            evolve(equation, np.ones(8), 1.0, dt=1.0, method=method)


def test_symbols_must_fit_and_be_finite():
    space = FourierSpace(periodic(8))
    with pytest.raises(ValueError, match="modes have"):
        SpectralEquation(space, np.ones(99))
    with (
        np.errstate(divide="ignore"),
        pytest.raises(ValueError, match=r"NaN or Inf at mode \(0,\)"),
    ):
        SpectralEquation(space, lambda k: -1 / k)


def test_an_equation_of_ones_own_in_complex_numbers():
    # a plane wave r e^(i(kx − wt)) of Ginzburg and Landau: r² = 1 − k², w = 2 r² + k²
    grid = periodic(16, 8 * np.pi)
    space = FourierSpace(grid, real=False)

    def cubic(c, t):
        u = space.from_modes(c)
        return space.to_modes(-(1 + 2j) * abs(u) ** 2 * u)

    equation = SpectralEquation(space, lambda k: 1 - (1 + 1j) * k**2, cubic)
    k, t = 0.5, 3.0
    wave = (1 - k**2) ** 0.5 * np.exp(1j * k * grid.axes[0])
    run = evolve(equation, wave, t, dt=0.05)
    np.testing.assert_allclose(run.u, wave * np.exp(-1j * t * (2 * (1 - k**2) + k**2)), atol=1e-5)


def test_advection_keeps_the_type_of_the_grid(library):
    grid = periodic(8, like=library.asarray(np.empty(0, dtype="float32")))
    assert evolve(advection(grid), grid.axes[0], 1.0).u.dtype == library.dtype("float32")


@coarse
def test_the_bar_shows_and_hides(capsys):
    equation, u0 = runs(periodic(24), "burgers")
    evolve(equation, u0, 0.1, dt=0.01, progress=True)
    assert "burgers" in capsys.readouterr().err
    evolve(equation, u0, 0.1, dt=0.01, progress=False)
    assert not capsys.readouterr().err


def test_default_steps_where_nothing_limits_them():
    grid = periodic(16)
    run = evolve(burgers(grid, 5.0), 0.01 * np.sin(grid.axes[0]), [0.0, 2.0])
    assert run.steps == 100
    assert run.dt_max == np.inf


def test_growth_without_bound_ends_a_run():
    grid = periodic(16)
    equation = SpectralEquation(FourierSpace(grid), lambda k: 1e3 * k**2)
    with pytest.warns(ConvergenceWarning, match=r"the equation blew up after t=0 in"):
        run = evolve(equation, np.sin(grid.axes[0]), [1.0, 2.0])
    assert run.blow_up == 0
    assert np.all(np.isnan(run.u))


def test_no_unknown_between_given_values():
    grid = Grid.uniform([(0, 1)], 2)
    run = evolve(heat_equation(grid, boundary=[(1.0, 2.0)]), np.zeros(2), [0.5, 1.0])
    np.testing.assert_array_equal(run.u, [[1, 2], [1, 2]])


@pytest.mark.filterwarnings("ignore:the 2/3 rule")
def test_memory_order_and_integers_do_not_matter():
    equation, u0 = burgers(periodic(24), 1.0), np.arange(72).reshape(3, 24) % 3
    smoothed = evolve(equation, u0, 0.5, dt=0.05).u
    for same in (np.asfortranarray(u0), np.repeat(u0, 2, axis=1)[:, ::2], u0.astype(float)):
        np.testing.assert_allclose(evolve(equation, same, 0.5, dt=0.05).u, smoothed, atol=1e-13)


@coarse
def test_growth_of_the_linear_part_is_no_blow_up():
    grid = periodic(16)
    start = 1e-9 * np.cos(grid.axes[0])
    run = evolve(allen_cahn(grid, 0.1), start, 8.0, dt=0.5)  # grows e^8 in 16 steps
    assert run.status == "finished"
    # of the cosine, 0.99 is the rate
    np.testing.assert_allclose(run.u, np.exp(7.92) * start, atol=1e-12)


def test_real_states_become_complex_where_the_equation_makes_them_so():
    grid = Grid.uniform([(0, 1)], 9)
    space, start = EigenSpace(grid), np.sin(np.pi * grid.axes[0])
    wave = SpectralEquation(space, lambda eigenvalues: -1j * eigenvalues)
    u = evolve(wave, start, 0.1).u
    np.testing.assert_allclose(u, np.exp(-0.1j * space.eigenvalues[0]) * start, atol=1e-14)
    heated = evolve(heat_equation(grid, source=1j * start), start, 0.1).u
    alone = evolve(heat_equation(grid, source=start), 0 * start, 0.1).u
    np.testing.assert_allclose(heated.imag, alone, atol=1e-14)


def test_what_functions_of_an_equation_return_is_checked():
    space = FourierSpace(periodic(16))
    u0 = np.cos(space.grid.axes[0])

    def run(nonlinear, rates=None):
        evolve(SpectralEquation(space, lambda k: 0 * k, nonlinear, rates=rates), u0, 1.0, dt=0.1)

    for wrong in (lambda c, t: None, lambda c, t: 1.0, lambda c, t: c[0], lambda c, t: u0):
        with pytest.raises(ValueError, match=r"nonlinear part .* made .* of shape"):
            run(wrong)
    for rate in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="rates of the equation at this start"):
            run(lambda c, t: -c, lambda u, rate=rate: rate)
    with pytest.raises(TypeError, match="nonlinear is a float"):
        SpectralEquation(space, lambda k: k, 3.0)
    with pytest.raises(ValueError, match="rates of allen_cahn"):
        step_limit(allen_cahn(space.grid, 1.0), 1e200 * u0)


def test_uneven_times_keep_few_lengths_of_steps(monkeypatch):
    monkeypatch.setattr(_run, "_remembered", 1)
    made = []
    step = Etdrk4.__init__
    monkeypatch.setattr(Etdrk4, "__init__", lambda *a: (made.append(a[2]), step(*a))[1])
    grid = periodic(8)
    times, start = np.array([0.1, 0.3, 0.6, 1.0, 1.5, 2.1, 2.2]), np.cos(grid.axes[0])
    run = evolve(heat_equation(grid), start, times)
    np.testing.assert_allclose(run.u, np.exp(-times)[:, None] * start, atol=1e-14)
    np.testing.assert_allclose(made, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1])


@pytest.mark.parametrize("wrong", ["soon", 1j, None, [[1.0]]])
def test_times_that_are_none(wrong):
    grid = periodic(8)
    with pytest.raises(ValueError, match="pass a finite number, or a vector"):
        evolve(burgers(grid, 1.0), grid.axes[0], wrong)


def test_equations_and_sources_that_are_none():
    x = periodic(8).axes[0]
    with pytest.raises(TypeError, match="pass a SpectralEquation"):
        evolve("burgers", x, 1.0)
    with pytest.raises(ValueError, match="of kind 'node'"):
        burgers(x, 1.0)
    with pytest.raises(ValueError, match=r"source has shape \(1,\)"):
        heat_equation(x, source=np.ones(1), boundary=1.0)


def squared(grid, dealias=True):
    """Return ``u_t = u + u_xx − u²``, which has no solution for long from negative states."""
    space = FourierSpace(grid, dealias=dealias)

    def square(c, t):
        u = space.from_modes(c)
        return space.to_modes(-u * u)

    return SpectralEquation(space, lambda k: 1 - k**2, square)


def caught(equation, u0, times, **settings):
    """Return a run, and the text of its warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        run = evolve(equation, u0, times, **settings)
    assert all(issubclass(w.category, ConvergenceWarning) for w in found)
    return run, " ".join(str(w.message) for w in found)


def test_modes_cut_off_a_start_are_told_and_named_after_a_blow_up():
    grid = periodic(256, 40 * np.pi)
    u0 = np.exp(-((grid.axes[0] - 60) ** 2))
    _, said = caught(squared(grid), u0, 20.0, dt=0.05)
    assert re.search(r"2/3 rule cuts modes off u0 that make 2\.[0-9]e-03 of it \(sample 0\)", said)
    assert "more points" in said
    assert "dealias=False" in said
    _, said = caught(squared(grid), np.stack([0 * u0, u0]), 60.0, dt=0.05)
    assert "(sample 1)" in said
    assert "blew up" in said
    assert "or more points (the highest modes had 2" in said
    # both cures
    assert "cuts" not in caught(squared(grid, dealias=False), u0, 0.1, dt=0.05)[1]
    fine = periodic(512, 40 * np.pi)
    assert not caught(squared(fine), np.exp(-((fine.axes[0] - 60) ** 2)), 20.0, dt=0.05)[1]


def test_blow_ups_of_resolved_states_do_not_blame_the_grid():
    _, said = caught(squared(periodic(16)), -2 * np.ones(16), 2.0, dt=0.05)
    assert "blew up" in said
    assert "more points" not in said


@pytest.mark.parametrize("method", methods)
def test_stiff_modes_that_steps_do_not_damp(method):
    # from a jump; the highest modes have dt L = −170
    grid = periodic(256)
    jump = np.where(grid.axes[0] < 3, 1.0, 0.0)
    for equation in (burgers(grid, 0.5), heat_equation(grid)):
        _, said = caught(equation, 0.1 * jump, 1.0, dt=0.05, method=method)
        assert ("cnab2 have not damped" in said) == (method == "cnab2")
        assert "too coarse" not in said
        assert ("shorter steps, or sbdf2 or etdrk4" in said) == (method == "cnab2")


@pytest.mark.parametrize("kind", ["jump", "side"])
def test_ringing_of_heat_between_sides_is_told(kind):
    grid = Grid.uniform([(0, 1)], 129)
    if kind == "jump":
        equation, u0 = heat_equation(grid), np.where(grid.axes[0] < 0.5, 1.0, 0.0)
    else:  # the start does not have the value of the side
        equation, u0 = heat_equation(grid, boundary=1.0), np.zeros(129)
    run, said = caught(equation, u0, [0.05, 0.1], dt=0.01, method="cnab2")
    assert "cnab2 have not damped" in said
    exact = evolve(equation, u0, [0.05, 0.1]).u
    assert np.max(np.abs(run.u - exact)) > 0.05
    # stiff modes that are at rest do not ring
    still = evolve(equation, evolve(equation, u0, 10.0).u, 0.1, dt=0.01, method="cnab2")
    np.testing.assert_allclose(still.u, 1.0 if kind == "side" else 0.0, atol=1e-10)
    # nor does a smooth start, or one whose stiff modes had many steps to die out
    evolve(heat_equation(grid), np.sin(np.pi * grid.axes[0]), 0.1, dt=0.01, method="cnab2")
    evolve(equation, u0, 0.1, dt=1e-4, method="cnab2")


def test_spaces_and_functions_that_do_not_fit_are_refused():
    grid = periodic(16)
    space, u0 = FourierSpace(grid), np.cos(grid.axes[0])
    with pytest.raises(TypeError, match=r"space is a Grid: pass FourierSpace\(grid\)"):
        SpectralEquation(grid, lambda k: -(k**2))
    for wrong in (lambda c: c, lambda: 0, lambda c, t, u: c):
        with pytest.raises(TypeError, match=r"cannot be called as nonlinear\(c, t\)"):
            SpectralEquation(space, 0.0, wrong)
    with pytest.raises(TypeError, match=r"cannot be called as rates\(u\)"):
        SpectralEquation(space, 0.0, lambda c, t: c, rates=lambda u, t: 1.0)
    for rates in (lambda u: np.ones(5), lambda u: None, lambda u: np.ones((2, 6))):
        equation = SpectralEquation(space, 0.0, lambda c, t: -c, rates=rates)
        with pytest.raises(ValueError, match=r"rates\(u\) of the equation returned .* shape"):
            evolve(equation, u0, 1.0)


def test_functions_without_a_signature_are_taken_as_they_are():
    space = FourierSpace(periodic(16))
    equation = SpectralEquation(space, 0.0, np.multiply)  # c t
    run = evolve(equation, np.cos(space.grid.axes[0]), 1.0, dt=0.01)
    np.testing.assert_allclose(run.u, np.exp(0.5) * np.cos(space.grid.axes[0]), atol=1e-8)
