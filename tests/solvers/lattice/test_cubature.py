"""Bayesian cubature: known integrals, reuse of values, and honest widths."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.solvers.lattice import integrate
from tests.conftest import ArrayLibrary


def gauss(X: Any) -> Any:
    return np.exp(-np.sum(X**2, axis=1))


def wave(X: Any) -> Any:
    return np.cos(8 * X[:, 0] + 3 * X[:, 1])


def kink(X: Any) -> Any:
    return np.abs(X[:, 0] - 0.3) * X[:, 1]


def periodic(X: Any) -> Any:
    return np.prod(1 + 0.5 * np.sin(2 * np.pi * X), axis=1)


KNOWN: dict[Callable[[Any], Any], tuple[int, float]] = {
    gauss: (3, (math.sqrt(math.pi) / 2 * math.erf(1.0)) ** 3),
    wave: (2, ((np.exp(8j) - 1) / 8j * (np.exp(3j) - 1) / 3j).real),
    kink: (2, (0.3**2 + 0.7**2) / 4),
    periodic: (4, 1.0),
}


@pytest.mark.parametrize("f", KNOWN)
@pytest.mark.parametrize("points", ["lattice", "net"])
@pytest.mark.parametrize("seed", range(3))
def test_known_integrals(f: Callable[[Any], Any], points: Any, seed: int) -> None:
    d, exact = KNOWN[f]
    tol = 1e-5 if points == "lattice" else 1e-3
    found = integrate(f, d, tol, points=points, largest=2**16, rng=seed)
    assert found.converged
    assert found.width <= tol
    assert abs(found.value - exact) <= tol
    assert found.evaluations == found.points.n == 2 ** (7 + found.iterations)


def jump(X: Any) -> Any:
    return 1.0 * (np.sum(X, axis=1) < 1)


@pytest.mark.parametrize("points", ["lattice", "net"])
def test_the_credible_interval_holds(points: Any) -> None:
    known = {**KNOWN, jump: (3, 1 / 6)}
    inside = []
    for f, (d, exact) in known.items():
        for seed in range(8):
            found = integrate(f, d, 6e-3, points=points, largest=2**12, rng=seed)
            inside.append(abs(found.value - exact) <= found.width)
    assert np.mean(inside) >= 0.95  # of a level of 0.99


def test_the_order_is_chosen_by_the_values() -> None:
    smooth = integrate(gauss, 3, 1e-4, largest=2**12, rng=0)
    rough = integrate(jump, 3, 1e-2, largest=2**12, rng=0)
    assert (smooth.kernel.alpha, rough.kernel.alpha) == (2, 1)
    assert integrate(periodic, 4, 1e-4, periodic=True, largest=2**12).kernel.alpha >= 3
    assert integrate(gauss, 3, 1e-3, alpha=1, largest=2**14, rng=0).kernel.alpha == 1


def test_values_are_used_again_and_points_are_those_of_the_lattice() -> None:
    seen: list[np.ndarray] = []

    def f(X: Any) -> Any:
        seen.append(X)
        return wave(X)

    with pytest.warns(ConvergenceWarning, match="the half width is .* after 256 evaluations"):
        found = integrate(f, 2, 1e-9, periodic=True, smallest=64, largest=256, rng=1)
    assert not found.converged
    assert found.points.seed == 1
    assert [len(X) for X in seen] == [64, 64, 128]
    everything, points = np.concatenate(seen), found.points.points()
    order, wanted = np.lexsort(everything.T), np.lexsort(points.T)
    np.testing.assert_allclose(everything[order], points[wanted], atol=1e-14)
    assert found.value == pytest.approx(np.mean(wave(points)), abs=1e-14)


def test_several_outputs_all_meet_the_tolerance() -> None:
    found = integrate(lambda X: np.stack([gauss(X), 1e3 * wave(X)], axis=1), 2, rtol=1e-4, rng=0)
    exact = np.array([(math.sqrt(math.pi) / 2 * math.erf(1.0)) ** 2, 1e3 * KNOWN[wave][1]])
    assert found.converged
    assert found.value.shape == found.width.shape == (2,)
    np.testing.assert_allclose(found.value, exact, rtol=1e-4)


@pytest.mark.parametrize("factor", [1e-150, 1.0, 1e150])
def test_integrands_of_any_size(factor: float) -> None:
    found = integrate(lambda X: factor * gauss(X), 3, rtol=1e-5, rng=0)
    assert found.value == pytest.approx(factor * KNOWN[gauss][1], rel=1e-5)


@pytest.mark.parametrize("points", ["lattice", "net"])
def test_outputs_in_other_units_have_widths_of_their_own(points: Any) -> None:
    def f(X: Any) -> Any:
        return np.stack([kink(X), 1e-200 * gauss(X)], axis=1)

    found = integrate(f, 2, rtol=1e-3, points=points, rng=0)
    exact = np.array([KNOWN[kink][1], 1e-200 * (math.sqrt(math.pi) / 2 * math.erf(1.0)) ** 2])
    assert np.all(found.width > 1e-8 * exact)
    np.testing.assert_allclose(found.value, exact, rtol=1e-3)


@pytest.mark.parametrize("d", [6, 20, 60])
def test_many_coordinates_do_not_feign_certainty(d: int) -> None:
    # the smooth substitution's factor is next to zero nearly everywhere in many coordinates
    slopes = 1 / np.arange(1, d + 1) ** 2
    found = integrate(
        lambda X: np.prod(1 + (X - 0.5) * slopes, axis=1), d, 2e-2, largest=2**12, rng=0
    )
    assert found.converged
    assert found.width >= 1e-6
    assert abs(found.value - 1) <= found.width


def test_weights_do_not_overflow_in_hundreds_of_coordinates() -> None:
    found = integrate(lambda X: X[:, 0] * X[:, 1], 300, 0.1, points="net", rng=0)
    assert abs(found.value - 0.25) <= found.width


def test_the_constant_is_as_uncertain_as_the_values_leave_it() -> None:
    # of values without any structure little is known: about their deviation over the root of n
    noise = np.random.default_rng(0)
    for points in ("lattice", "net"):
        found = integrate(
            lambda X: noise.standard_normal(len(X)), 12, 1e9, points=points, largest=2**8, rng=0
        )
        assert 2 / 16 <= found.width <= 4 / 16


def test_integrands_are_never_asked_on_the_boundary() -> None:
    seen = []

    def f(X: Any) -> Any:
        seen.append((float(X.min()), float(X.max())))
        return np.log(X[:, 0]) * np.log1p(-X[:, 0])

    single = np.ones(1, dtype=np.float32)
    for like, d, largest in ((single, 1, 2**14), (single, 6, 2**10), (np.ones(1), 1, 2**19)):
        with pytest.warns(ConvergenceWarning):
            integrate(f, d, 1e-30, largest=largest, smallest=largest, like=like, rng=0)
    assert min(low for low, _ in seen) > 0
    assert max(high for _, high in seen) < 1


def test_functions_may_use_their_memory_again() -> None:
    memory = {n: np.empty(n) for n in (64, 128)}

    def f(X: Any) -> Any:
        memory[len(X)][:] = wave(X)
        return memory[len(X)]

    found, fresh = (
        integrate(g, 2, 1e-3, smallest=64, largest=2**8, periodic=True, level=0.1, rng=1)
        for g in (f, wave)
    )
    assert found.evaluations > 64
    assert found.value == fresh.value


def test_integrals_of_zero_say_that_a_relative_tolerance_cannot_be_met() -> None:
    with pytest.warns(ConvergenceWarning, match="zero lies in the interval, pass tol too"):
        integrate(lambda X: X[:, 0] - 0.5, 1, rtol=1e-3, largest=2**9, rng=1)


@pytest.mark.parametrize("made", [3.0, [0.0] * 256, None])
def test_what_is_no_array_is_named(made: Any) -> None:
    with pytest.raises(TypeError, match=f"f returned a {type(made).__name__}"):
        integrate(lambda X: made, 2, 1e-3)


def test_equal_values_are_not_believed_at_once() -> None:
    # a box that the first points miss, and a wave that they see at one phase alone
    def box(X: Any) -> Any:
        return 1.0 * (np.max(X, axis=1) < 0.03)

    found = integrate(box, 2, rtol=0.3, points="net", rng=1)
    assert abs(found.value - 0.03**2) <= max(found.width, 1e-12)

    def fast(X: Any) -> Any:
        return np.cos(2 * np.pi * 256 * X[:, 0])

    assert abs(integrate(fast, 1, 1e-3, periodic=True, rng=1).value) <= 1e-3


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constants(value: float) -> None:
    found = integrate(lambda X: np.full(len(X), value), 2, 1e-12, points="net", rng=0)
    assert (found.value, found.width, found.evaluations) == (value, 0.0, 2**12)
    assert found.converged
    assert integrate(lambda X: np.full(len(X), value), 2, 1e-4, periodic=True).value == value


@pytest.mark.parametrize("points", ["lattice", "net"])
def test_it_runs_where_it_is_asked_to(points: Any, library: ArrayLibrary) -> None:
    xp = library.xp

    def f(X: Any) -> Any:
        return xp.exp(-xp.sum(X * X, axis=1))

    like = library.asarray(np.ones(1))
    found = integrate(f, 2, 1e-3, points=points, like=like, rng=3)
    assert found.value == pytest.approx(integrate(gauss, 2, 1e-3, points=points, rng=3).value)
    single = library.asarray(np.ones(1, dtype=np.float32))
    assert integrate(f, 2, 1e-3, points=points, like=single, rng=3).value == pytest.approx(
        found.value, abs=1e-5
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tol": 0.0}, "tol is 0.0"),
        ({"tol": -1.0}, "tol is -1.0"),
        ({"level": 1.0}, "level is 1.0"),
        ({"smallest": 3}, "smallest is 3"),
        ({"smallest": 32}, "smallest is 32"),
        ({"smallest": 128, "largest": 64}, "smallest is 128"),
        ({"alpha": 3}, "alpha is 3: periodic by substitution, .* 2 coordinates have order 2"),
        ({"alpha": 2, "d": 6}, "alpha is 2: .* 6 coordinates have order 1"),
        ({"d": 0, "points": "net"}, "d is 0"),
        ({"points": "grid"}, "points is 'grid'"),
        ({"alpha": 7}, "alpha is 7"),
        ({"d": 0}, "d is 0"),
        ({"f": lambda X: X[:3, 0]}, r"f returned shape \(3,\) for 256 points"),
        ({"f": lambda X: 1 / (X[:, 0] - X[0, 0])}, r"f is NaN or Inf at \(.*\), evaluation 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_wrong_calls_are_named(change: dict[str, Any], message: str) -> None:
    chosen: dict[str, Any] = {"f": gauss, "d": 2, "tol": 1e-3} | change
    with pytest.raises(ValueError, match=message):
        integrate(**chosen)
