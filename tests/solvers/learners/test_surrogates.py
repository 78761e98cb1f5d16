"""Searches for continuous knobs: they find minima, alone and in contexts, and are not misled."""

from __future__ import annotations

import itertools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from structlin._backend import kernel, namespace
from structlin._kernels import quadratic_surrogate as plain
from structlin.matrices import GridOperator
from structlin.solvers import HeatEquation2D, omega_young, sor_spectral_radius, ssor_cg
from structlin.solvers._solution import quiet
from structlin.solvers.learners import GoldenSection, Learner, Outcome, QuadraticSurrogate

OMEGAS = (0.5, 1.98)
kinds = pytest.mark.parametrize("kind", [GoldenSection, QuadraticSurrogate])
scales = pytest.mark.parametrize("scale", ["linear", "log", "relaxation"])


def learn(learner, loss, rounds, contexts=None, noise=0.0, seed=0):
    """Play, and return the losses without their noise."""
    rng = np.random.default_rng(seed)
    losses = []
    for context in itertools.repeat(None, rounds) if contexts is None else contexts:
        play = learner.ask(context)
        losses.append(loss(play.value) if context is None else loss(play.value, context))
        learner.tell(play, losses[-1] * math.exp(noise * rng.standard_normal()))
    return np.array(losses)


def sor_cost(omega, beta):
    """Return the iterations of SOR in the long run by Young's formula."""
    return math.log(1e8) / -math.log(sor_spectral_radius(omega, beta))


@kinds
@scales
@given(place=st.floats(0.05, 0.95), size=st.floats(-80, 80))
def test_the_minimum_of_a_parabola_is_found(kind, scale, place, size):
    learner = kind((0.2, 1.8), scale=scale, rng=1)
    minimum = 0.2 + 1.6 * place
    learn(learner, lambda x: 10.0**size * (10 + 20 * (x - minimum) ** 2), 200)
    assert learner.best() == pytest.approx(minimum, abs=0.04)


@kinds
@pytest.mark.parametrize("loss", [0.0, 1.0, 1e100])
def test_losses_that_are_all_equal_leave_it_inside_the_range(kind, loss):
    learner = kind((0.2, 1.8), rng=1)
    learn(learner, lambda x: loss, 300)
    assert 0.2 <= learner.best() <= 1.8


@kinds
def test_minima_at_an_end_of_the_range_are_found(kind):
    for sign, end in ((1, 0.2), (-1, 1.8)):
        learner = kind((0.2, 1.8), rng=1)
        learn(learner, lambda x, sign=sign: math.exp(sign * x), 200)
        assert learner.best() == pytest.approx(end, abs=0.05)


@kinds
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_averaged_out(kind, seed):
    """The minimum costs 10, the ends 16; the noise is 10 %."""
    learner = kind((0.0, 2.0), rng=seed)
    losses = learn(learner, lambda x: 10 + 6 * (x - 1.2) ** 2, 2000, noise=0.1, seed=seed)
    assert losses[-1000:].mean() < 10 * (1.02 if kind is QuadraticSurrogate else 1.1)


def test_the_golden_section_shrinks_by_the_golden_ratio():
    learner = GoldenSection((0.0, 1.0), rng=0)
    learn(learner, lambda x: 1 + x, 4)
    ratio = (math.sqrt(5) - 1) / 2
    assert learner.bracket == pytest.approx((0, ratio))
    learn(learner, lambda x: 1 + x, 4)
    assert learner.bracket == pytest.approx((0, ratio**2))


def test_the_golden_section_returns_to_a_minimum_that_moved():
    learner = GoldenSection((0.0, 2.0), rng=0)
    learn(learner, lambda x: 1 + (x - 0.4) ** 2, 300)
    learn(learner, lambda x: 1 + (x - 1.7) ** 2, 300)
    assert learner.best() == pytest.approx(1.7, abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_what_changes_all_losses_alike_is_not_blamed_on_the_knob(seed):
    """Losses rise and fall tenfold, in no context, and are told without noise."""
    learner = QuadraticSurrogate((0.0, 2.0), rng=seed)
    excess = []
    for t in range(1500):
        play = learner.ask()
        excess.append(2 * (play.value - 0.7) ** 2)
        learner.tell(play, math.exp(2.3 * math.sin(t / 50)) * (1 + excess[-1]))
    assert np.mean(excess[300:]) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_minimum_follows_the_context(seed):
    """No knob serves all contexts: the best fixed one costs 1.17 times the best of each."""
    contexts = np.random.default_rng(seed).uniform(-3, 5, 1500).tolist()
    learner = QuadraticSurrogate((0.0, 2.0), contexts=(-3, 5), rng=seed)

    def loss(x, context):
        return 1 + 2 * (x - 1 - 0.5 * math.sin(context / 2)) ** 2

    losses = learn(learner, loss, 1500, contexts, noise=0.05, seed=seed)
    assert losses[500:].mean() < 1.02


def test_several_knobs_are_learned_together():
    """A parabola with a valley across the knobs, one of them on a logarithmic scale."""
    learner = QuadraticSurrogate(
        {"omega": (0.0, 2.0), "ratio": (1.0, 100.0)}, scale={"ratio": "log"}, rng=0
    )

    def loss(value):
        x, y = value["omega"] - 1.3, math.log10(value["ratio"]) - 0.6
        return 5 + 10 * (x**2 + y**2 + 0.8 * x * y)

    losses = learn(learner, loss, 1000, noise=0.02)
    assert losses[-300:].mean() < 5.1
    best = learner.best()
    assert best["omega"] == pytest.approx(1.3, abs=0.1)
    assert math.log10(best["ratio"]) == pytest.approx(0.6, abs=0.1)


def test_reductions_take_out_how_much_there_was_to_do():
    """Solves differ tenfold in length, at random: with their reductions, that is no noise."""

    def total(told):
        rng = np.random.default_rng(1)
        learner = QuadraticSurrogate((0.0, 2.0), rng=2)
        excess = 0.0
        for _ in range(300):
            play = learner.ask()
            reduction = math.exp(rng.uniform(0, 2.3))
            cost = 1 + 2 * (play.value - 0.5) ** 2
            excess += cost - 1
            learner.tell(play, Outcome(reduction * cost, reduction=reduction if told else None))
        return excess

    assert total(True) < total(False) / 3


def test_tolerances_may_change():
    """Twice the reduction asked for, twice the losses: nothing is learned anew."""
    learner = QuadraticSurrogate((0.0, 2.0), rng=0)
    learn(learner, lambda x: 10 + 10 * (x - 1.4) ** 2, 200)
    best = learner.best()
    learner.rescale(2.0)
    losses = learn(learner, lambda x: 20 + 20 * (x - 1.4) ** 2, 50)
    assert losses.mean() < 20.3
    assert learner.best() == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("bound", [1.0, 1000.0])
def test_it_leaves_what_is_given_up(bound):
    """Solves diverge beyond 1.2, early or late; the loss 20 (x − 2)² + 10 falls towards there."""
    learner = QuadraticSurrogate((0.0, 2.0), rng=0)
    values = []
    for _ in range(400):
        play = learner.ask()
        values.append(play.value)
        failed = play.value > 1.2
        loss = bound if failed else 10 + 20 * (play.value - 2) ** 2
        learner.tell(play, Outcome(loss, censored=failed))
    assert np.mean(np.array(values[-100:]) > 1.2) < 0.3
    assert np.mean(values[-100:]) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_it_is_not_caught_where_all_is_given_up(seed):
    """At the start and far around it, more than the limit of 1000 iterations is needed."""
    learner = QuadraticSurrogate((0.5, 1.998), scale="relaxation", rng=seed)
    losses = []
    for _ in range(500):
        play = learner.ask()
        cost = sor_cost(play.value, 0.999)
        losses.append(min(cost, 1000.0))
        learner.tell(play, Outcome(losses[-1], censored=cost > 1000))
    assert np.mean(losses[200:]) < 1.5 * sor_cost(omega_young(0.999), 0.999)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_valley_far_steeper_than_expected_is_entered(noise, seed):
    """What no parabola fits is not taken for noise, over which the prior would keep its say."""
    learner = QuadraticSurrogate((0.5, 1.999), rng=seed)
    losses = learn(learner, lambda omega: sor_cost(omega, 0.99), 700, noise=noise, seed=seed)
    assert losses[200:].mean() < 2.5 * sor_cost(omega_young(0.99), 0.99)


@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_far_from_the_start_is_reached_through_noise(seed):
    """SSOR-CG on a fine grid: the best parameter is near 2, and costs an eighth of the start."""
    q = 0.003
    learner = QuadraticSurrogate((0.5, 1.998), scale="relaxation", rng=seed)
    losses = learn(
        learner,
        lambda omega: 3 * math.sqrt(((2 - omega) / 4 + q**2 / (2 - omega)) / q**2),
        900,
        noise=0.3,
        seed=seed,
    )
    assert losses[-300:].mean() < 1.5 * 3 / math.sqrt(q)


def test_steps_cost_neither_nothing_nor_much():
    for slope, curvature in ((0.0, 0.5), (3.0, 0.04), (0.1, 100.0)):
        step = plain.step_of_cost(0.1, slope, curvature)
        assert slope * step + curvature * step**2 / 2 == pytest.approx(0.1)


def test_outliers_move_little():
    """One solve in fifty takes a hundred times as long: the machine was busy."""
    learner = QuadraticSurrogate((0.0, 2.0), rng=0)
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(1000):
        play = learner.ask()
        excess.append(2 * (play.value - 0.6) ** 2)
        learner.tell(play, (1 + excess[-1]) * (100 if rng.random() < 0.02 else 1))
    assert np.mean(excess[300:]) < 0.02


def test_merged_learners_know_what_both_have_learned():
    """Each has seen one half of the contexts."""

    def loss(x, context):
        return 10 + 10 * (x - 1 - context / 2) ** 2

    left, right = (QuadraticSurrogate((0.0, 2.0), contexts=(-1, 1), rng=k) for k in (0, 1))
    draws = np.random.default_rng(0).uniform(0, 1, 600)
    learn(left, loss, 600, (-draws).tolist(), noise=0.02)
    learn(right, loss, 600, draws.tolist(), noise=0.02)
    left.merge(right)
    for context in (-0.9, -0.4, 0.4, 0.9):
        assert left.best(context) == pytest.approx(1 + context / 2, abs=0.1)


def test_the_start_is_played_first():
    start = {"omega": 1.2, "beta": 3.0}
    learner = QuadraticSurrogate({"omega": (0, 2), "beta": (1, 9)}, start=start, contexts=(0, 1))
    assert learner.best(0.3) == pytest.approx(start)
    again = Learner.from_state_dict(learner.state_dict())
    assert again.best(0.3) == learner.best(0.3)
    assert QuadraticSurrogate((1, 3)).best() == pytest.approx(2)
    assert QuadraticSurrogate(OMEGAS, scale="relaxation").best() == pytest.approx(1)
    assert QuadraticSurrogate((1.3, 1.9), scale="relaxation").best() == pytest.approx(1.3)


@given(
    knobs=st.integers(1, 3),
    contexts=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_compiled_twins_agree_with_the_plain_functions(knobs, contexts, seed):
    """Coefficients are random, and so are the observations."""
    library = namespace(np.empty(0))
    bounds = {str(k): (0, 1) for k in range(knobs)}
    learner = QuadraticSurrogate(bounds, contexts=[(-1, 1)] * contexts or None, degree=2)
    rng = np.random.default_rng(seed)
    learner._theta[:] += rng.standard_normal(learner._theta.size)
    models, points = [], []
    for propose, observe in (
        (plain.propose, plain.learn),
        (kernel(library, plain.propose), kernel(library, plain.learn)),
    ):
        model = learner._model.copy()
        point = np.concatenate([np.linspace(-0.5, 0.4, contexts), np.empty(2 * knobs)])
        work = np.empty_like(learner._work)
        arguments = learner._ranges, learner._limits, seed / 100
        propose(learner._exponents, model, *arguments, point, work)
        observe(learner._exponents, model, point, knobs, 1.5, seed % 5 == 0, 0.9, 1, work)
        models.append(model)
        points.append(point)
    np.testing.assert_allclose(*points, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(*models, rtol=1e-9, atol=1e-9)


def test_the_filter_is_a_least_squares_fit_with_a_prior():
    """Without noise levels, steps and fading: ``(Σ φφᵀ/r + P₀⁻¹) θ = Σ φ y/r + P₀⁻¹ θ₀``."""
    rng = np.random.default_rng(0)
    features, y = rng.standard_normal((40, 4)), rng.standard_normal(40)
    mean, variance = rng.standard_normal(4), rng.uniform(1, 2, 4)
    theta, covariance = mean.copy(), np.diag(variance)
    for row, value in zip(features, y, strict=True):
        plain.observe(theta, covariance, row, value, 0.5, np.empty(4))
    precision = features.T @ features / 0.5 + np.diag(1 / variance)
    expected = np.linalg.solve(precision, features.T @ y / 0.5 + mean / variance)
    np.testing.assert_allclose(theta, expected, rtol=1e-9)
    np.testing.assert_allclose(covariance, np.linalg.inv(precision), rtol=1e-8, atol=1e-12)


@given(
    gradient=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    diagonal=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)),
    coupling=st.floats(-0.5, 0.5),
)
def test_the_minimum_over_a_box_is_below_all_neighbours(gradient, diagonal, coupling):
    off = coupling * math.sqrt(diagonal[0] * diagonal[1])
    hessian = np.array([[diagonal[0], off], [off, diagonal[1]]])
    slope = np.array(gradient)
    u = np.zeros(2)
    plain.minimise_over_box(slope, hessian, u)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    values = grid @ slope + np.einsum("ni,ij,nj->n", grid, hessian, grid) / 2
    assert np.abs(u).max() <= 1
    assert slope @ u + u @ hessian @ u / 2 <= values.min() + 1e-7


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ([(1, 1)], {}, "range must be finite"),
        ([(0, math.inf)], {}, "range must be finite"),
        ([(0, 1)], {"scale": "log"}, "positive"),
        ([(1, 2)], {"scale": "relaxation"}, "below 2"),
        ([(1, 2)], {"scale": "cubic"}, "'linear', 'log', 'relaxation'"),
    ],
)
@kinds
def test_impossible_ranges_are_refused(kind, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        kind(*arguments, **options)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="degree"):
        QuadraticSurrogate((0, 1), degree=-1)
    with pytest.raises(ValueError, match="discount"):
        QuadraticSurrogate((0, 1), discount=0)
    with pytest.raises(ValueError, match="start is 2"):
        QuadraticSurrogate((0, 1), start=2)
    with pytest.raises(TypeError, match="start is 'a'"):
        QuadraticSurrogate((0, 1), start="a")
    with pytest.raises(ValueError, match="a value for each"):
        QuadraticSurrogate({"a": (0, 1)}, start=0.5)
    with pytest.raises(ValueError, match="bounds is empty"):
        QuadraticSurrogate({})
    with pytest.raises(ValueError, match="scale has 'b'"):
        QuadraticSurrogate({"a": (0, 1)}, scale={"b": "log"})
    with pytest.raises(TypeError, match="two real numbers"):
        QuadraticSurrogate(("a", "b"))
    with pytest.raises(TypeError, match=r"pass \(low, high\)"):
        GoldenSection(3)
    with pytest.raises(TypeError, match="one knob"):
        GoldenSection({"omega": (0, 1)})
    with pytest.raises(ValueError, match="tolerance"):
        GoldenSection((0, 1), tolerance=2)
    with pytest.raises(ValueError, match="looks at a context"):
        QuadraticSurrogate((0, 1), contexts=(0, 1)).best()
    with pytest.raises(ValueError, match="another learner"):
        QuadraticSurrogate((0, 1)).tell(GoldenSection((0, 1)).ask(), 1.0)


def relax(learner, A, b, x0=None, context=None):
    """Solve by SSOR-CG with a learned parameter; return the solution."""
    play = learner.ask(context)
    size = float(np.linalg.norm(b))
    solution = quiet(ssor_cg)(A, b, omega=play.value, x0=x0, rtol=0.0, atol=1e-8 * size)
    norms = solution.residual_norms
    reduction = math.log(norms[0] / norms[-1]) if norms[-1] else None
    learner.tell(
        play, Outcome(max(solution.iterations, 1), not solution.converged, None, reduction)
    )
    return solution


def test_learned_ssor_cg_beats_every_fixed_parameter_on_the_heat_equation():
    heat = HeatEquation2D(16, dt=2e-3)  # once through all conductivities

    def total(solver):
        return int(heat.run(500, solver, progress=False).iterations.sum())

    def fixed(omega):
        return total(lambda A, b, **options: quiet(ssor_cg)(A, b, omega=omega, **options))

    conductivities = iter([heat.conductivity(k * heat.dt) for k in range(500)])
    learner = QuadraticSurrogate(OMEGAS, contexts=(0, 10), scale="relaxation", start=1.2, rng=0)
    learned = total(lambda A, b, x0, **_: relax(learner, A, b, x0, next(conductivities)))
    assert learned < min(fixed(omega) for omega in (1.0, 1.1, 1.2, 1.3, 1.4))


def test_what_was_learned_on_small_grids_serves_larger_ones():
    """``2 − ω*`` is proportional to the mesh width; the context is its logarithm."""
    rng = np.random.default_rng(0)
    learner = QuadraticSurrogate(
        (0.8, 1.995), contexts=(2, 7), degree=3, scale="relaxation", start=1.2, rng=0
    )
    for m in (15, 23, 31, 47, 63):
        A = GridOperator.laplacian((m, m))
        for _ in range(8):
            relax(learner, A, rng.standard_normal((m, m)), None, math.log(m + 1))
    A, b = GridOperator.laplacian((127, 127)), rng.standard_normal((127, 127))
    learned = relax(learner, A, b, None, math.log(128)).iterations
    best = min(quiet(ssor_cg)(A, b, omega=w).iterations for w in (1.8, 1.85, 1.9, 1.93, 1.96))
    assert learned <= 1.3 * best
    assert quiet(ssor_cg)(A, b, omega=1.0).iterations > 1.3 * learned


def test_extrapolated_starts_are_nearer():
    """Where the temperature is smooth in time; the answers are those of the other start."""
    heat = HeatEquation2D(16, dt=1e-4, conductivity=lambda t: 0.5)
    starts = []

    def solver(A, b, **options):
        solution = quiet(ssor_cg)(A, b, omega=1.2, **options)
        starts.append(solution.residual_norms[0])
        return solution

    runs = [
        heat.run(50, solver, progress=False, start=start) for start in ("previous", "extrapolated")
    ]
    previous, extrapolated = np.reshape(starts, (2, 50))[:, 5:]
    assert np.all(extrapolated < 0.2 * previous)
    np.testing.assert_allclose(runs[1].u, runs[0].u, atol=1e-6)
    with pytest.raises(ValueError, match="'previous' or 'extrapolated'"):
        heat.run(1, solver, start="zero")
