"""Reduced models: accuracy on a nonlinear equation, derivatives, sampling, array libraries."""

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.solvers import ReducedModel, deim, galerkin_cubature, local_pod, pod
from tests.solvers.reduced.fields import held_out, relative, solved


def terms(problem, parameters, S):
    everywhere = np.arange(problem.source.size)
    return np.stack(
        [problem.residual(u.ravel(), mu, everywhere) for u, mu in zip(S, parameters, strict=True)]
    )


SAMPLINGS = ["all", "deim", "qdeim", "gappy", "cubature"]


def sampled(name, rank, **kwargs):
    """Return the model of the equation, of some rank and by some sampling."""
    problem, parameters, S = solved(10)
    basis, N = pod(S, rank), terms(problem, parameters, S)
    sampling = {
        "all": lambda: None,
        "deim": lambda: deim(pod(N, rank), method="deim"),
        "qdeim": lambda: deim(pod(N, rank)),
        "gappy": lambda: deim(pod(N, 2 * rank), points=4 * rank),
        "cubature": lambda: galerkin_cubature(basis, N.reshape(S.shape), tol=1e-5),
    }[name]()
    return ReducedModel(basis, problem.residual, linear=problem.linear, sampling=sampling, **kwargs)


@pytest.mark.parametrize("name", SAMPLINGS)
def test_unseen_parameters(name):
    problem, _, _ = solved(10)
    parameters, true = held_out()
    model = sampled(name, 12, jacobian=problem.jacobian)
    found = [model.solve(mu) for mu in parameters]
    assert max(solution.iterations for solution in found) <= 10
    errors = relative(np.stack([model.field(solution.x) for solution in found]), true)
    assert np.max(errors) < 1e-3
    # close to the best that the basis allows
    best = relative(model.basis.project(true), true)
    assert np.max(errors) < 20 * np.max(best)
    assert len(model.indices) == {"all": 400, "deim": 12, "qdeim": 12, "gappy": 48}.get(
        name, len(model.indices)
    )
    assert name == "all" or len(model.indices) < 120


@pytest.mark.parametrize("name", SAMPLINGS)
def test_derivatives_by_differences_give_the_same(name):
    problem, _, _ = solved(10)
    mu = held_out()[0][0]
    given = sampled(name, 6, jacobian=problem.jacobian).solve(mu)
    differences = sampled(name, 6).solve(mu)
    np.testing.assert_allclose(differences.x, given.x, rtol=1e-6, atol=1e-9)


def test_the_full_basis_gives_the_full_solution():
    # a basis of the answer: Galerkin's equations have it as their solution
    problem, parameters, S = solved(10)
    basis = pod(S[7:8], tol=1e-6)
    model = ReducedModel(basis, problem.residual, linear=problem.linear, jacobian=problem.jacobian)
    np.testing.assert_allclose(model.field(model.solve(parameters[7]).x), S[7], atol=1e-9)


def burgers(n):
    """Return a steady viscous Burgers equation by differences, and its places' derivatives."""
    h = 1.0 / (n + 1)

    def neighbours(u, idx):
        left = np.where(idx > 0, u[np.maximum(idx - 1, 0)], 1.0)
        return left, np.where(idx < n - 1, u[np.minimum(idx + 1, n - 1)], -1.0)

    def residual(u, mu, idx):
        left, right = neighbours(u, idx)
        middle = u[idx]
        return middle * (right - left) / (2 * h) - mu * (left - 2 * middle + right) / h**2

    def jacobian(u, mu, idx):
        left, right = neighbours(u, idx)
        columns = np.stack([np.maximum(idx - 1, 0), idx, np.minimum(idx + 1, n - 1)], axis=1)
        values = np.stack(
            [
                (-u[idx] / (2 * h) - mu / h**2) * (idx > 0),
                (right - left) / (2 * h) + 2 * mu / h**2,
                (u[idx] / (2 * h) - mu / h**2) * (idx < n - 1),
            ],
            axis=1,
        )
        return columns, values

    return residual, jacobian


def test_stencils_and_parameters_in_the_linear_part():
    n = 60
    residual, jacobian = burgers(n)
    everywhere = np.arange(n)

    def full(mu):
        u = np.linspace(1, -1, n + 2)[1:-1]
        for _ in range(60):
            columns, values = jacobian(u, mu, everywhere)
            J = np.zeros((n, n))
            np.add.at(J, (everywhere[:, None], columns), values)
            u = u - np.linalg.solve(J, residual(u, mu, everywhere))
        return u

    viscosities = np.linspace(0.08, 0.3, 12)
    S = np.stack([full(mu) for mu in viscosities])
    basis = pod(S, tol=1e-7, center=True)
    true = full(0.123)
    whole = ReducedModel(basis, residual, jacobian=jacobian)
    found = whole.solve(0.123)
    np.testing.assert_allclose(whole.field(found.x), true, atol=1e-5)
    without = ReducedModel(basis, residual).solve(0.123)
    np.testing.assert_allclose(without.x, found.x, atol=1e-6)

    # the same with the diffusion as a linear part whose factor is the parameter
    h = 1.0 / (n + 1)
    second = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) / h**2
    edges = np.zeros(n)
    edges[0], edges[-1] = -1 / h**2, 1 / h**2

    def advection(u, mu, idx):
        return residual(u, 0.0, idx) + mu * edges[idx]

    N = np.stack([advection(u, mu, everywhere) for u, mu in zip(S, viscosities, strict=True)])
    affine = ReducedModel(
        basis,
        advection,
        linear=[(lambda mu: mu, second)],
        sampling=deim(pod(N, tol=1e-7)),
    )
    made = affine.solve(0.123)
    np.testing.assert_allclose(affine.field(made.x), true, atol=1e-4)
    assert affine.misfit(made.x, 0.123) < 1e-3 < affine.misfit(made.x + 0.1, 0.123)


def test_models_on_every_library(library):
    xp = library.xp
    x = np.linspace(0.05, 1, 50)
    S = x / (1 + np.linspace(0, 3, 20)[:, None] * x)  # u + µ x u − x = 0
    factor = library.asarray(x)

    def residual(u, mu, idx):
        there = xp.take(factor, idx)
        return mu * there * u[idx] - there

    def jacobian(u, mu, idx):
        return mu * xp.take(factor, idx)

    basis = pod(library.asarray(S), tol=1e-9)
    for given in (jacobian, None):
        model = ReducedModel(
            basis,
            residual,
            linear=library.asarray(np.eye(50)),
            sampling=deim(basis, points=basis.rank + 3),
            jacobian=given,
        )
        found = model.solve(1.234)
        made = library.to_numpy(model.field(found.x))
        np.testing.assert_allclose(made, x / (1 + 1.234 * x), atol=1e-7)
        assert model.misfit(found.x, 1.234) < 1e-6


def test_implicit_time_steps():
    n, dt = 60, 2e-3
    h = 1.0 / (n + 1)
    x = np.arange(1, n + 1) * h
    everywhere = np.arange(n)
    linear = np.eye(n) + dt / h**2 * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))

    def residual(u, before, idx):  # u_t = u_xx + 20 u (1 − u²)
        return -before[idx] - 20 * dt * (u[idx] - u[idx] ** 3)

    def jacobian(u, before, idx):
        return -20 * dt * (1 - 3 * u[idx] ** 2)

    def full(u):
        steps = [u]
        for _ in range(40):
            for _ in range(8):
                J = linear + np.diag(jacobian(u, steps[-1], everywhere))
                u = u - np.linalg.solve(J, linear @ u + residual(u, steps[-1], everywhere))
            steps.append(u)
        return np.stack(steps)

    known = [full(a * np.sin(np.pi * x) + 0.2 * np.sin(3 * np.pi * x)) for a in (0.3, 0.6, 0.9)]
    S = np.concatenate(known)
    N = np.concatenate([residual(run[1:], run[:-1], np.s_[...]) for run in known])
    model = ReducedModel(
        pod(S, tol=1e-6),
        residual,
        linear=linear,
        sampling=deim(pod(N, tol=1e-7)),
        jacobian=jacobian,
    )
    true = full(0.45 * np.sin(np.pi * x) + 0.2 * np.sin(3 * np.pi * x))
    c = model.basis.to_modes(true[0])
    for _ in range(40):
        c = model.solve(model.state(c), start=c).x
    np.testing.assert_allclose(model.field(c), true[-1], atol=2e-3)


def test_local_models_beat_a_global_one_of_equal_size():
    n = 80
    h = 1.0 / (n + 1)
    x = np.arange(1, n + 1) * h
    everywhere = np.arange(n)
    linear = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)) / h**2 + 100 * np.eye(n)

    def residual(u, mu, idx):  # a pulse at µ drives −u'' + 100 u + 50 u³
        return 50 * u[idx] ** 3 - 400 * np.exp(-(((x[idx] - mu[0]) / 0.06) ** 2))

    def jacobian(u, mu, idx):
        return 150 * u[idx] ** 2

    def full(mu):
        u = np.zeros(n)
        for _ in range(12):
            J = linear + np.diag(jacobian(u, mu, everywhere))
            u = u - np.linalg.solve(J, linear @ u + residual(u, mu, everywhere))
        return u

    parameters, tests = np.linspace(0, 1, 81)[:, None], np.linspace(0.013, 0.987, 30)[:, None]
    S = np.stack([full(mu) for mu in parameters])
    N = np.stack([residual(u, mu, everywhere) for u, mu in zip(S, parameters, strict=True)])
    true = np.stack([full(mu) for mu in tests])

    def model(basis, fields):
        few = deim(pod(fields, 2 * basis.rank), points=3 * basis.rank)
        return ReducedModel(basis, residual, linear=linear, sampling=few, jacobian=jacobian)

    local = local_pod(S, 4, 5, parameters=parameters, rng=0)
    parts = [model(b, N[local.clustering.labels == k]) for k, b in enumerate(local.bases)]
    whole = model(pod(S, 5), N)
    chosen = [parts[int(local.classify(mu))] for mu in tests]
    found = np.stack([m.field(m.solve(mu).x) for m, mu in zip(chosen, tests, strict=True)])
    globally = np.stack([whole.field(whole.solve(mu).x) for mu in tests])
    locally, wide = relative(found, true), relative(globally, true)
    assert np.sqrt(np.mean(locally**2)) < 0.2 * np.sqrt(np.mean(wide**2))
    assert local.efficiency.gains[4] > 5


def test_single_precision_stays(library):
    x = np.linspace(0.05, 1, 40, dtype=np.float32)
    S = library.asarray(x / (1 + np.linspace(0, 3, 20, dtype=np.float32)[:, None] * x))
    factor = library.asarray(x)

    def residual(u, mu, idx):
        there = library.xp.take(factor, idx)
        return mu * there * u[idx] - there

    model = ReducedModel(pod(S, 4), residual, linear=library.asarray(np.eye(40, dtype=np.float32)))
    found = model.solve(1.0)
    assert found.x.dtype == library.dtype("float32")
    np.testing.assert_allclose(library.to_numpy(model.field(found.x)), x / (1 + x), atol=1e-3)


def test_states_are_read_like_arrays(library, rng):
    basis = pod(library.asarray(rng.standard_normal((8, 5, 6))), 4, center=True)
    model = ReducedModel(basis, lambda u, mu, idx: u[idx])
    c = library.asarray(rng.standard_normal(4))
    state, flat = model.state(c), library.to_numpy(model.field(c)).ravel()
    assert state.shape == (30,)
    for places in (
        np.array([3, 3, 0]),
        np.arange(30).reshape(2, 15),
        np.array([[29, -1], [-30, -4]]),
    ):
        np.testing.assert_allclose(
            library.to_numpy(state[library.asarray(places)]), flat[places], rtol=1e-12
        )
    with pytest.raises(IndexError):
        state[library.asarray(np.array([0, 30]))]
    with pytest.raises(TypeError, match="array of integers"):
        state[0]


def test_what_does_not_converge_is_said():
    basis = pod(np.eye(2, 5), 2)
    model = ReducedModel(basis, lambda u, mu, idx: u[idx] ** 2 + 1.0)  # no real root
    with pytest.warns(ConvergenceWarning, match="solve stopped"):
        found = model.solve(0.0, start=np.ones(2))
    assert not found.converged


def test_bad_input(rng):
    basis = pod(rng.standard_normal((5, 10)), 2)

    def good(u, mu, idx):
        return u[idx]

    with pytest.raises(TypeError, match="residual is None"):
        ReducedModel(basis, None)
    with pytest.raises(ValueError, match="linear part is 9x9 but fields have 10"):
        ReducedModel(basis, good, linear=np.eye(9))
    with pytest.raises(ValueError, match="has no modes"):
        ReducedModel(pod(np.zeros((2, 10)), tol=0.1), good)
    with pytest.raises(ValueError, match=r"returned shape \(3,\) for 10 places"):
        ReducedModel(basis, lambda u, mu, idx: u[idx][:3]).solve(0.0)
    with pytest.raises(ValueError, match=r"start has shape \(3,\) but there are 2 modes"):
        ReducedModel(basis, good).solve(0.0, start=np.ones(3))
    with pytest.raises(ValueError, match="NaN or Inf at the start"):
        ReducedModel(basis, lambda u, mu, idx: u[idx] + np.nan).solve(0.0)
    with pytest.raises(ValueError, match="there is no misfit"):
        ReducedModel(basis, good).misfit(np.ones(2), 0.0)
    with pytest.raises(ValueError, match="resolved to"):
        ReducedModel(basis, good).solve(0.0, rtol=1e-20)
    large = deim(pod(rng.standard_normal((5, 90)), 5))
    with pytest.raises(ValueError, match="fields have 10 entries"):
        ReducedModel(basis, good, sampling=large)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.ones(1), r"jacobian returned \(1,\) for 10 places"),
        (1.0, r"jacobian returned \(\) for 10 places"),
        (np.eye(10), r"jacobian returned \(10, 10\)"),
        ((np.zeros((10, 1), int), np.ones((10, 2))), r"\(10, 1\) and \(10, 2\)"),
    ],
)
def test_bad_jacobians(rng, found, message):
    model = ReducedModel(
        pod(rng.standard_normal((5, 10)), 2),
        lambda u, mu, idx: u[idx] - 1,
        jacobian=lambda u, mu, idx: found,
    )
    with pytest.raises(ValueError, match=message):
        model.solve(0.0)


def test_bad_linear_parts_states_and_coefficients(rng):
    basis = pod(rng.standard_normal((5, 10)), 2)

    def good(u, mu, idx):
        return u[idx]

    for linear in ([np.eye(10), np.eye(10)], (np.cos, np.eye(10))):
        with pytest.raises(TypeError, match="a list of pairs"):
            ReducedModel(basis, good, linear=linear)
    model = ReducedModel(basis, good, linear=np.eye(10))
    for call in (lambda c: model.misfit(c, 0.0), lambda c: model.values(c, 0.0), model.state):
        with pytest.raises(ValueError, match=r"coefficients has shape \(3,\) but there are 2"):
            call(np.ones(3))
    with pytest.raises(TypeError, match="no mask"):
        model.state(np.ones(2))[np.arange(10) > 3]
    with pytest.raises(ValueError, match="rtol is nan"):
        model.solve(0.0, rtol=np.nan)


def test_what_is_no_basis_is_refused():
    problem, _, S = solved(10)
    for wrong in (S, pod(S, 3).modes, None):
        with pytest.raises(TypeError, match=r"basis is a .*: pass pod\(snapshots\)"):
            ReducedModel(wrong, problem.residual)
    with pytest.raises(TypeError, match=r"sampling is a ndarray: pass deim"):
        ReducedModel(pod(S, 3), problem.residual, sampling=np.arange(3))
