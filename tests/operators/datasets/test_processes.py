"""The processes behind the data sets, against formulas and dense solves."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse
import scipy.sparse.linalg

from structlin.operators import datasets
from structlin.operators.errors import relative_errors


def file_of(name):
    # functions of the package hide the files of their names
    return importlib.import_module(f"structlin.operators.datasets.{name}")


def test_burgers_is_the_solution_of_cole_and_hopf():
    nu, nodes = 0.025, 1024
    data = datasets.burgers(3, viscosity=nu, resolution=nodes, rng=7, cache=False)
    k = 2j * np.pi * np.arange(nodes // 2 + 1)
    c = np.fft.rfft(data.inputs)
    potential = np.fft.irfft(np.where(k == 0, 0, c / np.where(k == 0, 1, k)), nodes)
    # u = −2ν θ'/θ, where θ solves the heat equation
    theta = np.fft.rfft(np.exp(-potential / (2 * nu))) * np.exp(nu * k**2)
    exact = -2 * nu * np.fft.irfft(k * theta, nodes) / np.fft.irfft(theta, nodes)
    assert np.max(relative_errors(data.outputs, exact)) < 1e-7  # the error of 400 steps


def test_burgers_begins_with_the_process_of_its_formula():
    states = file_of("burgers").random_states(np.random.default_rng(0), 400)
    k = np.arange(1, 257)
    variance = 2 * 25.0**2 * ((2 * np.pi * k) ** 2 + 25) ** -2.0
    found = np.mean(np.abs(np.fft.rfft(states)[:, 1:257] / 512) ** 2, axis=0) / 2
    # means of 400 exponential numbers, 256 times: 6 standard errors
    assert np.max(np.abs(found / variance - 1)) < 0.3
    assert np.max(np.abs(np.mean(states, axis=1))) < 1e-13


def test_burgers_of_any_resolution_is_the_same_function():
    fine = datasets.burgers(2, resolution=256, rng=1, cache=False)
    coarse = datasets.burgers(2, resolution=64, rng=1, cache=False)
    assert np.array_equal(fine.inputs[:, ::4], coarse.inputs)
    assert np.array_equal(fine.grid.axes[0][::4], coarse.grid.axes[0])


def test_darcy_solves_its_differences():
    n = 29
    data = datasets.darcy(2, resolution=n, fine=n, rng=3, cache=False)
    index = np.arange(n * n).reshape(n, n)
    for a, u in zip(data.inputs, data.outputs, strict=True):
        rows, columns, entries = [], [], []
        for shift in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            for i, j in itertools.product(range(1, n - 1), repeat=2):
                other = (i + shift[0], j + shift[1])
                weight = (a[i, j] + a[other]) / 2 * (n - 1) ** 2
                rows += [index[i, j]] * 2
                columns += [index[i, j], index[other]]
                entries += [weight, -weight]
        A = scipy.sparse.csr_array((entries, (rows, columns)), shape=(n * n, n * n))
        inside = index[1:-1, 1:-1].ravel()
        exact = scipy.sparse.linalg.spsolve(A.tocsc()[inside][:, inside], np.ones(inside.size))
        assert np.allclose(u[1:-1, 1:-1].ravel(), exact, rtol=1e-8)
        assert np.max(np.abs(np.concatenate([u[0], u[-1], u[:, 0], u[:, -1]]))) == 0
        assert set(np.unique(a)) == {3.0, 12.0}


def test_darcy_media_have_the_process_of_their_formula():
    generator = np.random.default_rng(0)
    media = np.stack([file_of("darcy").random_medium(generator, 15) for _ in range(600)])
    signs = np.sign(media - 7)
    # E sign(g) sign(h) = 2/π arcsin of the correlation
    x = np.pi * (np.arange(15) + 0.5) / 15
    k = np.arange(15)
    modes = np.cos(k[:, None] * x) * np.where(k == 0, 1, np.sqrt(2))[:, None]
    variance = (np.pi**2 * (k[:, None] ** 2 + k**2) + 9.0) ** -2
    variance[0, 0] = 0
    here, there = np.einsum("i,j->ij", modes[:, 2], modes[:, 3]), np.outer(modes[:, 9], modes[:, 7])
    covariance = np.sum(variance * here * there)
    sizes = np.sum(variance * here**2) * np.sum(variance * there**2)
    expected = 2 / np.pi * np.arcsin(covariance / np.sqrt(sizes))
    found = np.mean(signs[:, 2, 3] * signs[:, 9, 7])
    assert abs(found - expected) < 5 / np.sqrt(600)


def test_boxes_move_to_the_right():
    data = datasets.advection_boxes(5, resolution=20, rng=0, cache=False)
    for j in range(20):
        assert np.array_equal(data.outputs[:, :, j], np.roll(data.inputs, j, axis=1))
    assert data.output_grid.kinds == ("periodic", "node")
    heights = np.max(data.inputs, axis=1)
    assert np.all((heights >= 1) & (heights <= 2))
    assert np.all(np.abs(np.mean(data.inputs > 0, axis=1) - 0.45) <= 0.15 + 0.05)


def test_boxes_are_learned_by_least_squares():
    train, test = datasets.advection_boxes(1200, rng=0, cache=False).split(1000, 200)
    flat = train.outputs.reshape(1000, -1)
    weights = np.linalg.lstsq(train.inputs, flat, rcond=None)[0]
    predicted = (test.inputs @ weights).reshape(test.outputs.shape)
    assert np.max(relative_errors(predicted, test.outputs)) < 1e-12


def test_signs_are_saturated_by_the_mean_of_two_shifts():
    data = datasets.advection_signs(4000, rng=0, cache=False)
    assert np.array_equal(data.inputs[:, 0], data.inputs[:, -1])  # the endpoint is repeated
    i = np.arange(200)
    mean = (data.inputs[:, (i - 99) % 199] + data.inputs[:, (i - 100) % 199]) / 2
    assert abs(100 * np.mean(relative_errors(mean, data.outputs)) - 11.24) < 0.3


def test_helmholtz_solves_its_elements():
    n = 13
    data = datasets.helmholtz(2, resolution=n, rng=3, cache=False)
    h = 1 / (n - 1)
    points = [(1 - s / 3**0.5) / 2 for s in (-1, 1)]
    corners = list(itertools.product((0, 1), repeat=2))
    for c, u in zip(data.inputs, data.outputs, strict=True):
        A = np.zeros((n, n, n, n))
        for i, j in itertools.product(range(n - 1), repeat=2):
            for x, y in itertools.product(points, repeat=2):
                hats = [(x if a else 1 - x) * (y if b else 1 - y) for a, b in corners]
                slopes = [
                    ((2 * a - 1) * (y if b else 1 - y) / h, (x if a else 1 - x) * (2 * b - 1) / h)
                    for a, b in corners
                ]
                s = np.dot(hats, [(1000 / c[i + a, j + b]) ** 2 for a, b in corners])
                for p, (a, b) in enumerate(corners):
                    for q, (d, e) in enumerate(corners):
                        A[i + a, j + b, i + d, j + e] += (h * h / 4) * (
                            np.dot(slopes[p], slopes[q]) - s * hats[p] * hats[q]
                        )
        load = np.zeros((n, n))
        for i in range(n):
            hat = lambda t, i=i: max(0.0, 1 - abs(t - i * h) / h)  # noqa: E731
            load[i, -1] = scipy.integrate.quad(
                hat, 0.35, 0.65, points=[max(0.35, min(0.65, (i + d) * h)) for d in (-1, 0, 1)]
            )[0]
        exact = np.linalg.solve(A.reshape(n * n, -1), load.ravel()).reshape(n, n)
        assert np.allclose(u, exact, rtol=0, atol=1e-7 * np.max(np.abs(exact)))


def test_helmholtz_speeds_are_near_twenty():
    data = datasets.helmholtz(5, resolution=21, rng=0, cache=False)
    assert np.all(np.abs(data.inputs - 20) < 1)
    assert 0.03 < np.std(np.arctanh(data.inputs - 20)) < 0.15


def test_navier_stokes_is_the_solution_of_its_modes():
    n, nu = 40, 1 / 40
    data = datasets.navier_stokes(2, resolution=n, rng=2, cache=False)
    k = np.fft.fftfreq(n, 1 / n)
    kx, ky = np.meshgrid(k, k, indexing="ij")
    squares = kx**2 + ky**2
    kept = (3 * np.abs(kx) < n) & (3 * np.abs(ky) < n)
    inverse = np.where(squares > 0, 1 / np.where(squares > 0, squares, 1), 0)
    start = file_of("navier_stokes").first_vorticity(n)
    for f, w in zip(data.inputs, data.outputs, strict=True):

        def slope(t, flat, f=f):
            c = flat.view(complex).reshape(n, n)
            psi = c * inverse
            u, v, wx, wy = np.fft.ifft2(1j * np.stack([ky * psi, -kx * psi, kx * c, ky * c])).real
            moved = kept * np.fft.fft2(u * wx + v * wy)
            return (np.fft.fft2(f) - moved - nu * squares * c).ravel().view(float)

        first = (kept * np.fft.fft2(start)).ravel().view(float)
        run = scipy.integrate.solve_ivp(slope, (0, 10), first, rtol=1e-9, atol=1e-12)
        exact = np.fft.ifft2(run.y[:, -1].copy().view(complex).reshape(n, n)).real
        assert np.allclose(w, exact, rtol=0, atol=1e-6 * np.max(np.abs(exact)))


def test_navier_stokes_is_driven_by_a_hundred_waves():
    data = datasets.navier_stokes(3, resolution=40, rng=2, cache=False)
    k = np.fft.fftfreq(40, 1 / 40)
    squares = k[:, None] ** 2 + k**2
    for f in data.inputs:
        c = np.abs(np.fft.fft2(f))
        assert np.count_nonzero(c > 1e-12 * np.max(c)) == 100
        assert np.all(squares[c > 1e-12 * np.max(c)] <= 32)


@pytest.mark.slow
def test_a_linear_regression_of_darcy_has_the_published_error():
    train, test = datasets.darcy(1200, rng=0, cache=False).split(1000, 200)  # minutes
    X, Y = train.inputs.reshape(1000, -1), train.outputs.reshape(1000, -1)
    mean_in, mean_out = X.mean(axis=0), Y.mean(axis=0)
    gram = (X - mean_in) @ (X - mean_in).T
    values, vectors = np.linalg.eigh(gram)
    best = np.inf
    for ridge in 10.0 ** np.arange(-1, 6):  # leave-one-out
        inverse = (vectors / (values + ridge)) @ vectors.T
        weights = inverse @ (Y - mean_out)
        left_out = weights / np.diag(inverse)[:, None]
        loss = np.mean(np.sum(left_out**2, axis=1))
        if loss < best:
            best, chosen = loss, weights
    Xt = test.inputs.reshape(200, -1) - mean_in
    predicted = Xt @ (X - mean_in).T @ chosen + mean_out
    errors = relative_errors(predicted.reshape(test.outputs.shape), test.outputs)
    assert abs(100 * np.mean(errors) - 6.75) < 0.2
