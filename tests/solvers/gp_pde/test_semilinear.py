"""Newton's method: solutions, stagnation, continuation, and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.solvers.gp_pde._data.problem import Problem
from structlin.solvers.gp_pde._newton.linearisation import Semilinear
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity
from structlin.solvers.gp_pde.semilinear import solve_semilinear_pde
from tests.solvers.gp_pde.problems import ACCEPTANCE, PROBLEMS, problems_gp


def solved(problem, **options):
    return solve_semilinear_pde(
        problem.grid,
        problem.terms,
        problem.nonlinearity,
        problem.rhs,
        problem.boundary,
        rng=0,
        **options,
    )


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("A1", 1e-6),
        ("A2", 1e-6),
        ("Allen-Cahn tone", 1e-7),
        ("Allen-Cahn square", 1e-7),
        ("Burgers layer", 1e-6),
        ("Burgers tone", 1e-7),
    ],
)
def test_known_solutions_are_found(name, bound):
    problem = PROBLEMS[name]
    run = solved(problem)
    assert run.converged
    assert run.report.status == "converged"
    assert run.report.residual <= 1e-7
    assert not run.report.continued
    assert run.report.iterations == len(run.report.history) <= 12
    assert problem.error(run.mean(*problem.test_axes())) < bound


@pytest.mark.slow
def test_plane_with_three_scales():
    problem = ACCEPTANCE["A3"]
    run = solved(problem)
    assert run.converged
    assert problem.error(run.mean(*problem.test_axes())) < 1e-6


def test_steps_are_quadratic():
    problem = PROBLEMS["Burgers tone"]
    changes = [step.change for step in solved(problem).report.history]
    late = [(a, b) for a, b in itertools.pairwise(changes) if 1e-7 < b < a < 0.2]
    assert late
    assert all(b < 3 * a**2 for a, b in late)


@pytest.mark.parametrize("name", ["Burgers tone", "Allen-Cahn square"])
def test_linearisation_is_the_derivative(name):
    problem = PROBLEMS[name]
    given = Problem.of(problem.grid, problem.terms, problem.rhs, problem.boundary)
    equation = Semilinear(given, problem.nonlinearity)
    rng = np.random.default_rng(3)
    mesh = problem.grid.mesh()

    def smooth():
        a, b, c = rng.normal(size=3)
        wave = problems_gp.sine(a) + b * problems_gp.cosine(c)
        product = (wave,) * problem.ndim
        made = problems_gp.Problem("", problem.grid, (product,), {})
        needed = equation.zero().derivatives
        return type(equation.zero())(
            {k: np.broadcast_to(made.derivative(k, *mesh), problem.grid.shape) for k in needed}
        )

    u, v = smooth(), smooth()
    linear = equation.linearised(u)

    def applied(w):
        return linear.rhs - sum(equation._term(term, w) for term in linear.terms)

    # the linear residual at u is the nonlinear one, and has the same slope in any direction
    gap, size = equation.residual(u)
    assert np.allclose(applied(u), gap, atol=1e-9 * size)
    h = 1e-5
    slope = (equation.residual(u.towards(v, h))[0] - equation.residual(u.towards(v, -h))[0]) / (
        2 * h
    )
    assert np.allclose(applied(v) - applied(u), slope, atol=1e-6 * np.max(np.abs(slope)))


def test_boundary_layer_takes_damped_steps_or_a_continuation():
    # thin layers: the first linear solution is far from the solution
    g = problems_gp
    steep = g.Problem(
        "steep",
        g.even(1.0, 400),
        ((g.layer(0.5, 25.0, -1.0),),),
        {(2,): -0.02},
        nonlinearity=g.burgers(),
    )
    run = solved(steep)
    assert run.converged
    assert min(step.damping for step in run.report.history) < 1 or run.report.continued
    assert steep.error(run.mean(*steep.test_axes())) < 1e-4


def test_no_solution_is_never_converged():
    # u″ + λ exp(u) = 0 with zero ends has no solution beyond λ = 3.51
    x = np.linspace(0.0, 1.0, 60)
    bratu = (lambda u: 8.0 * np.exp(u), lambda u: 8.0 * np.exp(u))
    with pytest.warns(ConvergenceWarning, match="solve_semilinear_pde stopped"):
        run = solve_semilinear_pde(
            (x,), {(2,): 1.0}, bratu, 0.0, lambda x: 0 * x, rng=0, maxiter=40
        )
    assert not run.converged
    assert run.report.status != "converged"


def test_a_continuation_that_cannot_move_is_not_converged():
    # a refused first step says nothing about the stage it belongs to
    x = np.linspace(0.0, 2 * np.pi, 200)
    u, sides = np.sin(20 * x), {(0, 0): 0.0, (0, -1): 0.0}
    wrong = (lambda u: u**3, lambda u: 3000 * u**2)
    with pytest.warns() as told:
        run = solve_semilinear_pde((x,), {(2,): 1.0}, wrong, u**3 - 400 * u, sides, rng=0)
    assert not run.converged
    assert run.report.residual > 1e-5
    assert any("derivative of the nonlinearity differs" in str(w.message) for w in told)


@pytest.mark.parametrize("amplitude", [1e-6, 3.0])
def test_small_and_large_amplitudes(amplitude):
    # where the first step leaves rounding errors only, no second one makes them smaller
    x = np.linspace(0.0, 2 * np.pi, 300)
    u = amplitude * np.sin(40 * x)
    run = solve_semilinear_pde(
        (x,),
        {(2,): 1.0},
        (lambda u: u**3 - u, lambda u: 3 * u**2 - 1),
        u**3 - 1601 * u,
        {(0, 0): 0.0, (0, -1): 0.0},
        rng=0,
    )
    assert run.converged
    assert run.report.iterations <= 5
    assert np.max(np.abs(run.mean(x) - u)) < 1e-9 * amplitude


def test_first_step_stays_where_the_equation_is_finite():
    # u″ = sinh u + f: at the linear solution sinh overflows
    x = np.linspace(0.0, 1.0, 80)
    u = 11 * np.sin(3 * x)
    run = solve_semilinear_pde(
        (x,),
        {(2,): 1.0},
        (lambda u: -np.sinh(u), lambda u: -np.cosh(u)),
        -9 * u - np.sinh(u),
        {(0, 0): 0.0, (0, -1): 11 * np.sin(3.0)},
        rng=0,
    )
    assert run.converged
    assert run.report.history[0].damping < 1
    assert np.max(np.abs(run.mean(x) - u)) < 1e-5


def test_noise_that_is_understated_is_not_converged():
    x = np.linspace(0.0, 2.0, 80)
    f = np.random.default_rng(0).standard_normal(80)
    cube = (lambda u: -(u**3), lambda u: -3 * u**2)
    sides = {(0, 0): 0.0, (0, -1): 0.0}
    with pytest.warns(ConvergenceWarning):
        run = solve_semilinear_pde((x,), {(2,): 1.0}, cube, f, sides, noise=1e-4, rng=0)
    assert not run.converged


def test_corners_that_disagree_are_told():
    x = np.linspace(0.0, 1.0, 24)
    sides = {(0, 0): 0.0, (0, -1): 0.0, (1, 0): 0.0, (1, -1): 1.0}
    with pytest.warns() as told:
        run = solve_semilinear_pde(
            (x, x),
            {(2, 0): 1.0, (0, 2): 1.0},
            (lambda u: u**3, lambda u: 3 * u**2),
            0.0,
            sides,
            rng=0,
            maxiter=3,
        )
    assert any("where they meet" in str(w.message) for w in told)
    assert not run.converged
    assert run.report.corner_mismatch == 1.0


def test_a_step_too_few_is_not_converged():
    problem = PROBLEMS["Burgers tone"]
    with pytest.warns(ConvergenceWarning, match="max_iterations"):
        run = solved(problem, maxiter=2)
    assert run.report.iterations == 2
    assert not run.converged


def test_bratu_solution():
    # the lower solution: −2 log(cosh(θ (x − 1/2)/2)/cosh(θ/4)), θ = √2 cosh(θ/4) at λ = 1
    theta = 1.5171645990507543
    x = np.linspace(0.0, 1.0, 60)
    u = -2 * np.log(np.cosh((x - 0.5) * theta / 2) / np.cosh(theta / 4))
    run = solve_semilinear_pde((x,), {(2,): 1.0}, (np.exp, np.exp), 0.0, lambda x: 0 * x, rng=0)
    assert run.converged
    assert np.max(np.abs(run.mean(x) - u)) < 1e-6


def test_linear_terms_agree_with_the_linear_solver():
    problem = PROBLEMS["Helmholtz"]
    linear = (lambda u: 150.0 * u, lambda u: 150.0 + 0 * u)
    run = solve_semilinear_pde(
        problem.grid, {(2,): 1.0}, linear, problem.rhs, problem.boundary, rng=0
    )
    assert run.converged
    assert problem.error(run.mean(*problem.test_axes())) < 1e-8


def test_noise_and_missing_sources():
    g = problems_gp
    problem = g.Problem(
        "noisy",
        g.even(2.0, 200),
        ((g.sine(11.0) + 0.3 * g.cosine(5.0),),),
        g.D2,
        nonlinearity=g.allen_cahn(),
    )
    (x,), (points,) = problem.grid.axes, problem.test_axes()
    f = problem.rhs(x)
    sd = 1e-3 * np.max(np.abs(f))
    noisy = f + sd * np.random.default_rng(0).standard_normal(f.shape)
    call = (problem.grid, problem.terms, problem.nonlinearity)
    run = solve_semilinear_pde(*call, noisy, problem.boundary, noise=sd, rng=0)
    assert run.converged
    gap = np.abs(run.mean(points) - problem.u(points))
    assert np.mean(gap <= 2 * run.std(points)) > 0.9
    f[::9] = np.nan
    run = solve_semilinear_pde(*call, f, problem.boundary, missing="nan", rng=0)
    assert run.converged
    assert problem.error(run.mean(points)) < 1e-3


def test_single_precision():
    g = problems_gp
    x = np.linspace(0.0, 2.0, 150).astype(np.float32)
    problem = g.Problem("single", g.Grid(x), ((g.sine(21.0),),), g.D2, nonlinearity=g.allen_cahn())
    run = solved(problem)
    assert run.converged
    assert run.mean(x).dtype == np.float32
    assert np.max(np.abs(run.mean(x) - problem.u(x))) < 1e-3


def test_nothing_makes_nothing():
    x = np.linspace(0.0, 1.0, 30)
    run = solve_semilinear_pde(
        (x,), {(2,): 1.0}, (lambda u: u**3, lambda u: 3 * u**2), 0.0, lambda x: 0 * x, rng=0
    )
    assert run.converged
    assert np.max(np.abs(run.mean(x))) == 0


def test_uncertainty_and_samples_are_there():
    run = solved(PROBLEMS["A1"])
    points = np.linspace(0.0, 6.0, 7)
    assert run.std(points).shape == (7,)
    assert np.all(run.std(points) > 0)
    assert run.sample(points, count=3, rng=1).shape == (3, 7)


def test_every_library(library):
    xp = library.xp
    x = np.linspace(0.0, 2 * np.pi, 50)
    u = np.sin(9 * x)
    run = solve_semilinear_pde(
        (library.asarray(x),),
        {(2,): 1.0},
        (lambda u: u * u * u, lambda u: 3 * u * u),
        library.asarray(u**3 - 81 * u),
        lambda x: 0 * xp.sin(x),
        rng=0,
    )
    assert run.converged
    assert np.max(np.abs(library.to_numpy(run.mean(library.asarray(x))) - u)) < 1e-6


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kernel": "matern"}, ValueError, "kernel"),
        ({"maxiter": 0}, ValueError, "maxiter"),
        ({"maxiter": 2.5}, ValueError, "maxiter"),
        ({"nonlinearity": np.sin}, TypeError, "pair"),
        ({"nonlinearity": (lambda u: None, np.cos)}, TypeError, "NoneType"),
        ({"nonlinearity": (lambda u: 1j * u, np.cos)}, TypeError, "complex"),
        ({"nonlinearity": (np.log, lambda u: 1 / u)}, ValueError, "N is not finite at u = 0"),
        ({"nonlinearity": (np.sin, lambda u: u * np.nan)}, ValueError, "derivative of N is not"),
        ({"nonlinearity": (lambda u: u[:3], np.cos)}, ValueError, "shape"),
        ({"nonlinearity": Nonlinearity(np.sin, np.cos, [(0, 0)])}, ValueError, "one order"),
    ],
)
def test_bad_input(changes, error, message):
    x = np.linspace(0.0, 1.0, 20)
    options = {"nonlinearity": (np.sin, np.cos)} | changes
    term = options.pop("nonlinearity")
    with pytest.raises(error, match=message):
        solve_semilinear_pde((x,), {(2,): 1.0}, term, 1.0, lambda x: 0 * x, **options)


def test_nonlinearities_are_checked():
    with pytest.raises(ValueError, match="2 arguments"):
        Nonlinearity(lambda u, v: u * v, lambda u, v: v, [(0,), (1,)])
