"""The equations that come ready: against exact solutions and formulas written out."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.solvers.evolution import (
    active_fluid,
    advection,
    allen_cahn,
    burgers,
    evolve,
    heat_equation,
    kuramoto_sivashinsky,
    navier_stokes,
)
from tests.solvers.evolution.exact import burgers_sine, logistic
from tests.solvers.evolution.grids import periodic, smooth


def derivative(u: np.ndarray, axis: int, order: int = 1) -> np.ndarray:
    """Return derivatives on a grid of period 2π, by the whole FFT."""
    n = u.shape[axis]
    k = np.fft.fftfreq(n, 1 / n).reshape([-1 if j == axis % u.ndim else 1 for j in range(u.ndim)])
    c = (1j * k) ** order * np.fft.fft(u, axis=axis)
    return np.fft.ifft(c, axis=axis).real


def right_hand_side(equation, u: np.ndarray) -> np.ndarray:
    """Return what an equation says about ``u_t``."""
    space = equation.space
    c = space.to_modes(u)
    total = space.multiplier(equation.linear)(c) if equation.fields is None else None
    if total is None:
        total = space.put(equation.linear, u.dtype) * c
    if equation.nonlinear is not None:
        total = total + equation.nonlinear(c, 0.0)
    if equation.forcing is not None:
        total = total + space.to_modes(equation.forcing)
    return space.from_modes(total)


@pytest.mark.parametrize("viscosity", [0.02, 0.1])
def test_burgers_against_cole_and_hopf(viscosity):
    grid = periodic(256, 1.0)
    run = evolve(burgers(grid, viscosity), np.sin(2 * np.pi * grid.axes[0]), [0.25, 1.0])
    for u, t in zip(run.u, run.times, strict=True):
        np.testing.assert_allclose(u, burgers_sine(grid.axes[0], viscosity, t), atol=1e-4)


def test_equations_in_one_dimension_are_what_they_say(rng):
    grid = periodic(64)
    u = smooth(grid, rng)
    ux, uxx = derivative(u, 0), derivative(u, 0, 2)
    expected = {
        burgers(grid, 0.3): -u * ux + 0.3 * uxx,
        kuramoto_sivashinsky(grid): -u * ux - uxx - derivative(u, 0, 4),
        allen_cahn(grid, 0.5): 0.25 * uxx + u - u**3,
        heat_equation(grid, 0.5, source=ux): 0.5 * uxx + ux,
        advection(grid, 3.0): -3 * ux,
    }
    for equation, rate in expected.items():
        np.testing.assert_allclose(
            right_hand_side(equation, u), rate, atol=1e-11, err_msg=equation.name
        )


def test_navier_stokes_is_what_it_says(rng):
    grid = periodic((48, 40))
    stream, force = smooth(grid, rng), smooth(grid, rng, 2)
    omega = -derivative(stream, 0, 2) - derivative(stream, 1, 2)
    v, w = derivative(stream, 1), -derivative(stream, 0)
    np.testing.assert_allclose(derivative(w, 0) - derivative(v, 1), omega, atol=1e-11)
    laplacian = derivative(omega, 0, 2) + derivative(omega, 1, 2)
    carried = v * derivative(omega, 0) + w * derivative(omega, 1)
    equation = navier_stokes(grid, 0.1, forcing=force, drag=0.2)
    rate = -carried + 0.1 * laplacian - 0.2 * omega + force
    np.testing.assert_allclose(right_hand_side(equation, omega), rate, atol=1e-11)


@pytest.mark.filterwarnings("ignore:the highest modes")
def test_navier_stokes_keeps_energy_and_enstrophy_without_viscosity():
    grid = periodic((32, 32))
    omega = smooth(grid, np.random.default_rng(5))
    run = evolve(navier_stokes(grid, 1e-12), omega, [0.0, 1.0], dt=0.02)
    k2 = sum(k**2 for k in np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2))
    power = np.abs(np.fft.fft2(run.u)) ** 2
    enstrophy = np.sum(power, axis=(1, 2))
    energy = np.sum(power / np.where(k2 > 0, k2, np.inf), axis=(1, 2))
    np.testing.assert_allclose(enstrophy[1], enstrophy[0], rtol=1e-6)
    np.testing.assert_allclose(energy[1], energy[0], rtol=1e-6)


def test_vortices_stand_still_and_decay():
    grid = periodic((16, 16))
    u0 = grid.evaluate(lambda x, y: np.cos(2 * x + y) + np.sin(x - 2 * y))  # −Δ u = 5 u
    run = evolve(navier_stokes(grid, 0.1), u0, 1.0, dt=0.1)
    np.testing.assert_allclose(run.u, np.exp(-0.5) * u0, atol=1e-13)


def test_allen_cahn_of_constants_is_logistic(library):
    grid = Grid.uniform([(0, 1)], 8, kind="cell", like=library.asarray(np.empty(0)))
    values = np.array([0.05, -0.7, 1.3])
    u0 = library.asarray(values[:, None] * np.ones(8))
    run = evolve(allen_cahn(grid, 0.1, bc="neumann"), u0, [0.5, 2.0], dt=0.05)
    exact = logistic(values[:, None], run.times)[:, :, None] * np.ones(8)
    np.testing.assert_allclose(library.to_numpy(run.u), exact, atol=1e-6)


def test_a_front_between_given_values_stands_still():
    grid = Grid.uniform([(-1, 1)], 161)
    front = np.tanh(grid.axes[0] / (2**0.5 * 0.2))
    run = evolve(allen_cahn(grid, 0.2, boundary=[(front[0], front[-1])]), front, 5.0, dt=0.1)
    np.testing.assert_allclose(run.u, front, atol=1e-3)
    assert run.u[0] == front[0]


def test_active_fluid_is_what_it_says(rng):
    grid = periodic((32, 30))
    a = 1.5 + 0.3 * smooth(grid, rng, 2, waves=2)
    P, beta, length = 3.0, 0.4, 0.7
    shares = a / (1 + a)
    stress = (1 + beta) * shares[0] + (1 - beta) * shares[1]
    k = [np.fft.fftfreq(n, 1 / n) for n in (32, 30)]
    k2 = k[0][:, None] ** 2 + k[1] ** 2
    spread = np.fft.ifft2(P * np.fft.fft2(stress) / (1 + length**2 * k2)).real
    rate = [
        d * (derivative(b, 0, 2) + derivative(b, 1, 2))
        + r * (s - b)
        - sum(derivative(b * derivative(spread, axis), axis) for axis in (0, 1))
        for b, d, r, s in zip(a, (1.0, 0.2), (0.3, 0.1), (1.0, 2.0), strict=True)
    ]
    equation = active_fluid(
        grid,
        P,
        diffusion=(1.0, 0.2),
        turnover=(0.3, 0.1),
        supply=(1.0, 2.0),
        asymmetry=beta,
        viscous_length=length,
    )
    # the stress has all waves: those beyond the kept ones are small
    np.testing.assert_allclose(right_hand_side(equation, a), rate, atol=1e-4)


def test_small_waves_of_an_active_fluid_grow_as_linear_theory_says():
    grid = periodic(32)
    D, P, beta, k = np.array([1.0, 0.2]), 3.0, 0.5, 1.0
    # about a = (1, 1): every share a/(1 + a) has slope 1/4
    slope = np.array([1 + beta, 1 - beta]) / 4
    A = -np.diag(D) * k**2 + P * k**2 / (1 + k**2) * np.outer([1, 1], slope)
    values, vectors = np.linalg.eig(A)
    first = int(np.argmax(values.real))
    wave = 1e-7 * vectors[:, first, None].real * np.cos(grid.axes[0])
    run = evolve(
        active_fluid(grid, P, diffusion=D.tolist(), asymmetry=beta), 1 + wave, 2.0, dt=0.02
    )
    np.testing.assert_allclose(run.u - 1, np.exp(values[first].real * 2) * wave, atol=1e-11)


def test_mass_of_an_active_fluid_is_kept_without_turnover():
    grid = periodic(64)
    start = 1 + 0.1 * np.stack([np.cos(grid.axes[0]), np.sin(2 * grid.axes[0])])
    run = evolve(active_fluid(grid, 2.0), start, 3.0, dt=0.02)
    np.testing.assert_allclose(np.mean(run.u, axis=-1), np.mean(start, axis=-1), rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: burgers(g, -1.0), "viscosity"),
        (lambda g: burgers(g, float("nan")), "viscosity"),
        (lambda g: burgers(periodic((4, 4)), 1.0), "1 axis"),
        (lambda g: navier_stokes(g, 1.0), "2 axes"),
        (lambda g: navier_stokes(periodic((4, 4)), 1.0, drag=-1), "drag"),
        (lambda g: navier_stokes(periodic((4, 4)), 1.0, forcing=np.ones(4)), "forcing has shape"),
        (lambda g: heat_equation(g, 0), "diffusivity"),
        (lambda g: advection(g, [1.0, 2.0]), "velocity has 2 entries"),
        (lambda g: advection(Grid.uniform([(0, 1)], 5)), "kind='periodic'"),
        (lambda g: active_fluid(g, 1.0, diffusion=[1.0]), "diffusion"),
        (lambda g: active_fluid(g, 1.0, turnover=[1.0, -1.0]), "turnover"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(periodic(8))
