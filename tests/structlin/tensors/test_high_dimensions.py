"""Functions of five variables and more, whose cores are tensor trains, against formulas."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from structlin.bases import Fourier
from structlin.tensors import ChebTucker, Construction, TensorTrain, _core, chebtucker, tt_cross
from structlin.tensors._domain import bases_of

TOL = 1e-11


def interpolated(f: Callable[..., Any], domain: Sequence[Any], n: int) -> ChebTucker:
    """Return the function through its values on a grid of ``n`` points along every axis."""
    bases = bases_of(domain)
    points = [basis.points(n) for basis in bases]
    found = tt_cross(
        lambda places: f(*(x[places[:, k]] for k, x in enumerate(points))),
        [n] * len(bases),
        tol=TOL,
        rng=0,
    )
    assert found.converged
    report = Construction(method="cross", tol=TOL)
    factors = [basis.coefficients(np.eye(n)) for basis in bases]
    return ChebTucker(found.tensor, factors, domain, report=report)._compressed()


def points_in(f: ChebTucker, count: int = 500) -> list[Any]:
    rng = np.random.default_rng(5)
    return [rng.uniform(low, high, count) for low, high in f.domain]


def agree(f: ChebTucker, wanted: Callable[..., Any], factor: float = 50) -> None:
    """Compare at random points, relative to the largest value there."""
    x = points_in(f)
    values = wanted(*x)
    assert np.max(np.abs(f(*x) - values)) <= factor * TOL * np.max(np.abs(values))


def rational(*x: Any) -> Any:
    return 1 / (1 + sum(t * t for t in x))


def wave(*x: Any) -> Any:
    return np.cos(sum(x))


def box(d: int) -> list[tuple[float, float]]:
    return [(-1.0, 1.0)] * (d - 1) + [(0.0, 2.0)]


@pytest.fixture(scope="module", params=[5, 7])
def functions(request: pytest.FixtureRequest) -> tuple[ChebTucker, ChebTucker]:
    d = request.param
    return interpolated(rational, box(d), 36), interpolated(wave, box(d), 18)


def test_values(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, g = functions
    assert isinstance(f.core, TensorTrain)
    assert "tensor-train core" in repr(f)
    agree(f, rational)
    agree(g, wave)
    assert g.ranks == (2,) * g.ndim


def test_sums_and_products(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, g = functions
    agree(f + g, lambda *x: rational(*x) + wave(*x))
    agree(2 * f - g * 0.5 + 3, lambda *x: 2 * rational(*x) - wave(*x) / 2 + 3)
    agree(f * g, lambda *x: rational(*x) * wave(*x))
    agree(g * g, lambda *x: wave(*x) ** 2)
    assert (g * g).ranks == (3,) * g.ndim
    assert (f + f).ranks == f.ranks


def test_cancellation(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, g = functions
    rest = (f + g) - f
    x = points_in(g)
    assert np.max(np.abs(rest(*x) - wave(*x))) <= 100 * TOL
    nothing = f - f
    assert np.max(np.abs(nothing(*x))) <= 100 * TOL


def test_calculus(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, g = functions
    d = g.ndim
    agree(g.diff(2), lambda *x: -np.sin(sum(x)))
    agree(g.cumsum(0), lambda *x: np.sin(sum(x)) - np.sin(-1 + sum(x[1:])))
    agree(f.cumsum(1).diff(1), rational, factor=500)
    # the integral of a product of exponentials is a product of integrals
    one = [(np.exp(1j * high) - np.exp(1j * low)) / 1j for low, high in g.domain]
    assert abs(g.integrate() - np.prod(one).real) <= 50 * TOL * 2**d
    some = g.integrate((1, 2))
    assert some.ndim == d - 2
    agree(some, lambda *x: np.cos(sum(x)) * (2 * math.sin(1)) ** 2)
    # ∫ cos²(Σx) = (∫ 1 + ∫ cos(2 Σx)) / 2
    two = [(np.exp(2j * high) - np.exp(2j * low)) / 2j for low, high in g.domain]
    square = (2.0**d + np.prod(two).real) / 2
    assert g.inner(g) == pytest.approx(square, rel=1e-9)
    assert g.norm() == pytest.approx(math.sqrt(square), rel=1e-9)


def test_parts(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, _ = functions
    d = f.ndim
    agree(f.slice(0, 0.5), lambda *x: rational(0.5, *x))
    agree(f.slice((1, d - 1), (0.25, 1.5)), lambda *x: rational(0.25, 1.5, *x))
    low = f.slice(tuple(range(d - 2)), (0.1,) * (d - 2))
    assert low.ndim == 2
    assert not isinstance(low.core, TensorTrain)  # few axes have an array again
    agree(low, lambda *x: rational(*(0.1,) * (d - 2), *x))
    assert f.slice(tuple(range(d)), (0.5,) * d) == pytest.approx(1 / (1 + d / 4), rel=50 * TOL)
    agree(f.restrict([(-0.5, 0.25)] * (d - 1) + [(0.5, 1)]), rational)
    order = (d - 1, 2, 0, *range(3, d - 1), 1)
    permuted = f.permute(order)
    agree(permuted, rational)
    assert permuted.domain == [f.domain[k] for k in order]
    assert max(permuted.core.ranks) <= 2 * max(f.core.ranks)


def test_pickling(functions: tuple[ChebTucker, ChebTucker]) -> None:
    f, _ = functions
    again = pickle.loads(pickle.dumps(f))
    x = points_in(f, 10)
    np.testing.assert_array_equal(again(*x), f(*x))


def test_a_product_of_functions_of_one_variable() -> None:
    centres = 0.1 * np.arange(8) - 0.3
    f = interpolated(
        lambda *x: np.exp(-sum((t - c) ** 2 for t, c in zip(x, centres, strict=True))),
        [(-1, 1)] * 8,
        24,
    )
    assert f.ranks == (1,) * 8
    ends = [math.erf(1 - c) + math.erf(1 + c) for c in centres]
    assert f.integrate() == pytest.approx(math.prod(math.sqrt(math.pi) / 2 * e for e in ends))


def test_periodic_axes() -> None:
    domain = [Fourier(0, 2 * math.pi), (-1, 1), Fourier(0, 2 * math.pi), (0, 1), (0, 3)]
    f = interpolated(lambda *x: np.exp(np.sin(x[0] + x[2])) / (4 + x[1] + x[3] * x[4]), domain, 32)
    agree(f, lambda *x: np.exp(np.sin(x[0] + x[2])) / (4 + x[1] + x[3] * x[4]))
    agree(
        f.diff(0),
        lambda *x: np.cos(x[0] + x[2]) * np.exp(np.sin(x[0] + x[2])) / (4 + x[1] + x[3] * x[4]),
        factor=500,
    )


def test_complex_values() -> None:
    f = interpolated(lambda *x: np.exp(1j * sum(x)), [(-1, 1)] * 6, 18)
    assert f.dtype == np.complex128
    agree(f, lambda *x: np.exp(1j * sum(x)))
    agree(f * f, lambda *x: np.exp(2j * sum(x)))
    agree(f.conj(), lambda *x: np.exp(-1j * sum(x)))
    agree(f.diff(3), lambda *x: 1j * np.exp(1j * sum(x)))
    assert f.norm() == pytest.approx(2**3)
    assert f.integrate() == pytest.approx((2 * math.sin(1)) ** 6)


@pytest.mark.parametrize("d", [5, 6, 8])
def test_built_from_a_callable(d: int) -> None:
    for f in (rational, wave):
        built = chebtucker(f, box(d), tol=1e-9, rng=0)
        assert built.converged
        assert built.evaluations < 80000
        x = points_in(built, 2000)
        values = f(*x)
        assert np.max(np.abs(built(*x) - values)) <= 1e-8 * np.max(np.abs(values))
    one = [(np.exp(1j * high) - np.exp(1j * low)) / 1j for low, high in box(d)]
    assert abs(built.integrate() - np.prod(one).real) <= 1e-8 * 2**d


def test_the_kind_of_core_follows_from_axes_and_size() -> None:
    rng = np.random.default_rng(7)
    few = TensorTrain([rng.standard_normal(s) for s in ((1, 8, 3), (3, 9, 2), (2, 7, 1))])
    assert not isinstance(_core.simplified(few, 0.0), TensorTrain)
    many = np.ones((4,) * 5)
    train = _core.simplified(many, 1e-12)
    assert isinstance(train, TensorTrain)
    assert train.ranks == (1,) * 4
    assert _core.simplified(train, 0.0) is train
    small = TensorTrain.from_array(np.ones((2,) * 5))
    assert not isinstance(_core.simplified(small, 0.0), TensorTrain)


def test_sums_of_an_array_and_a_train() -> None:
    f = interpolated(rational, box(5), 30)
    constant = ChebTucker(np.ones((1,) * 5), [np.ones((1, 1))] * 5, box(5))
    agree(f + constant, lambda *x: rational(*x) + 1)
    agree(f * constant, rational)
    assert f.inner(constant) == pytest.approx(f.integrate(), rel=1e-9)
