"""Point sets: formulas, SciPy's Sobol points, nesting, and the construction of lattices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import qmc

from structlin.solvers.lattice import DigitalNet, Lattice, construct_lattice
from tests.conftest import ArrayLibrary


@given(st.integers(1, 200), st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=4))
def test_lattice_points_are_the_formula(n: int, vector: list[int]) -> None:
    vector = [1, *vector]
    points = Lattice(n, vector, shift=0.25).points()
    exact = np.array([[(i * z % n) / n for z in vector] for i in range(n)])
    np.testing.assert_allclose(np.abs((points - exact) % 1.0 - 0.25), 0, atol=1e-15)
    assert np.all((points >= 0) & (points < 1))


def test_the_order_of_the_radical_inverse() -> None:
    # what QMCPy's Lattice calls so: point i is that of the reversed bits of i
    natural = Lattice(16, (1, 5), shift=0.1)
    reordered = Lattice(16, (1, 5), shift=0.1, order="radical inverse")
    reversal = [int(f"{i:04b}"[::-1], 2) for i in range(16)]
    np.testing.assert_array_equal(reordered.points(), natural.points()[reversal])
    half = Lattice(8, (1, 5), shift=0.1, order="radical inverse")
    np.testing.assert_array_equal(reordered.points()[:8], half.points())


@given(st.integers(0, 7), st.integers(1, 6))
def test_nets_are_scipys_sobol_points(m: int, d: int) -> None:
    expected = qmc.Sobol(d, scramble=False).random_base2(m)
    net = DigitalNet.sobol(2**m, d, shift=0.0)
    np.testing.assert_array_equal(net.points(), expected)


def test_a_digital_shift_adds_digits_without_carry() -> None:
    bits = (DigitalNet.sobol(32, 2, shift=0.0).points() * 2**52).astype(np.int64)
    shift = (0.3, 0.7)
    expected = (bits ^ np.array([int(s * 2**52) for s in shift])) / 2.0**52
    np.testing.assert_array_equal(DigitalNet.sobol(32, 2, shift=shift).points(), expected)


@pytest.mark.parametrize(
    "points",
    [
        Lattice(16, (1, 7, 19), rng=3),
        Lattice(16, (1, 7, 19), rng=3, order="radical inverse"),
        DigitalNet.sobol(16, 3, rng=3),
    ],
    ids=lambda points: f"{points} {getattr(points, 'order', '')}",
)
def test_refined_points_contain_the_points(points: Lattice | DigitalNet) -> None:
    both = points.merged(points.points(), points.refinement(), np)
    np.testing.assert_allclose(both, points.refined().points(), atol=1e-15)
    assert points.refined().shift == points.shift
    assert points.refined().seed == points.seed


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_shifts_are_drawn_from_the_seed(kind: str) -> None:
    def made(rng: object) -> Lattice | DigitalNet:
        return Lattice(8, (1, 3), rng=rng) if kind == "lattice" else DigitalNet.sobol(8, 2, rng=rng)

    one = made(5)
    assert one.shift == made(5).shift == made(one.seed).shift
    assert one.shift != made(6).shift
    assert made(None).seed is not None


def test_points_live_where_they_are_asked_for(library: ArrayLibrary) -> None:
    for points in (
        Lattice(12, (1, 5), rng=0),
        Lattice(8, (1, 5), rng=0, order="radical inverse"),
        DigitalNet.sobol(8, 2, rng=0),
    ):
        single = points.points(library.asarray(np.ones(1, dtype=np.float32)))
        assert single.dtype == library.dtype("float32")
        np.testing.assert_allclose(library.to_numpy(single), points.points(), atol=1e-7)
        double = points.points(library.asarray(np.ones(1)))
        np.testing.assert_array_equal(library.to_numpy(double), points.points())


@pytest.mark.parametrize(
    "points", [Lattice(2**10, (1, 19), shift=1 - 1e-9), DigitalNet.sobol(2**9, 2, shift=1 - 1e-12)]
)
def test_single_precision_rounds_no_coordinate_to_one(points: Lattice | DigitalNet) -> None:
    like = np.ones(1, dtype=np.float32)
    for single in (points.points(like), points.refinement(like)):
        assert single.dtype == np.float32
        assert single.max() < 1
    np.testing.assert_allclose(points.points(like), points.points(), atol=1e-7)


def test_complex_coordinates_are_refused() -> None:
    with pytest.raises(TypeError, match="shift is complex"):
        Lattice(8, (1,), shift=np.array([0.5 + 1j]))
    with pytest.raises(TypeError, match="generators is complex"):
        DigitalNet(np.array([[0.5 + 1j]]))


# construction


def error(vector: tuple[int, ...], n: int, alpha: int, weights: tuple[float, ...]) -> float:
    """Return the squared worst-case error, with the Bernoulli polynomials of NumPy's roots."""
    polynomials = {1: [1, -1, 1 / 6], 2: [1, -2, 1, 0, -1 / 30]}
    factor = {1: (2 * np.pi) ** 2 / 2, 2: -((2 * np.pi) ** 4) / 24}[alpha]
    product = np.ones(n)
    for z, weight in zip(vector, weights, strict=True):
        x = np.arange(n) * z % n / n
        product *= 1 + weight * factor * np.polyval(polynomials[alpha], x)
    return float(np.mean(product) - 1)


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("n", [2, 4, 8, 32, 64])
def test_components_are_the_best_ones(n: int, alpha: int) -> None:
    weights = (1.0, 0.7, 0.5)
    found = construct_lattice(n, 3, alpha=alpha, weights=weights)
    best: tuple[int, ...] = (1,)
    for _ in range(2):
        odd = [(*best, z) for z in range(1, n, 2)]
        best = min(odd, key=lambda vector: error(vector, n, alpha, weights[: len(vector)]))
    errors = [error(vector, n, alpha, weights) for vector in (found, best)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)


def test_an_embedded_vector_is_good_at_every_size() -> None:
    weights = tuple(1 / (j + 1) ** 2 for j in range(5))
    vector = construct_lattice(2**10, 5, smallest=2**4)
    for m in range(4, 11):
        own = construct_lattice(2**m, 5)
        # the factor by trial; vectors for one size alone can be 100 times worse at others
        assert error(vector, 2**m, 1, weights) <= 2 * error(own, 2**m, 1, weights)


# errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lattice(0, (1,)), "n is 0"),
        (lambda: Lattice(8, ()), "generating_vector is empty"),
        (lambda: Lattice(8, (2, 4)), "share the factor 2"),
        (lambda: Lattice(8, (1, 3), shift=(0.1,)), r"shift has shape \(1,\)"),
        (lambda: Lattice(8, (1,), shift=float("inf")), "shift is inf"),
        (lambda: Lattice(12, (1,), order="radical inverse"), "powers of two"),
        (lambda: Lattice(8, (1,), order="gray"), "order is 'gray'"),
        (lambda: DigitalNet.sobol(12, 2), "n is 12"),
        (lambda: DigitalNet.sobol(2**33, 2), "n is 8589934592"),
        (lambda: DigitalNet.sobol(8, 0), "d is 0"),
        (lambda: DigitalNet.sobol(8, 10**6), "d is 1000000"),
        (lambda: DigitalNet(np.zeros(3)), r"generators has shape \(3,\)"),
        (lambda: DigitalNet([[0.5], [1.0]]), r"generators\[1, 0\] is 1"),
        (lambda: DigitalNet([[0.5], [0.25], [0.75]]), "generator 2 is the digitwise sum"),
        (lambda: DigitalNet([[0.5]]).refined(), "not known"),
        (lambda: construct_lattice(12, 2), "n is 12"),
        (lambda: construct_lattice(8, 0), "d is 0"),
        (lambda: construct_lattice(8, 2, smallest=16), "smallest is 16"),
    ],
)
def test_wrong_points_are_named(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
