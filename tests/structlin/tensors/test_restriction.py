"""Parts of functions: exact cases, types of results, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker, TensorTrain
from tests.structlin.tensors.random_functions import size, values


def function(library, rng, box, ranks=(2, 3, 2), n=7, dtype="float64"):
    core = library.asarray(rng.standard_normal(ranks), dtype)
    factors = [library.asarray(rng.standard_normal((n, r)), dtype) for r in ranks]
    return ChebTucker(core, factors, box)


BOX = [Chebyshev(-5, 1), Fourier(0, 1), Chebyshev(1e-3, 1e3)]


def test_a_part_of_a_period_is_not_periodic(library, rng):
    f = function(library, rng, BOX)
    assert f.restrict([None, (0.25, 0.5), None]).bases == (BOX[0], Chebyshev(0.25, 0.5), BOX[2])
    assert f.restrict([(-5, 1), (0, 1), (1e-3, 1e3)]).bases == f.bases
    whole = f.restrict(np.asarray([[-1, 0.5], [0, 1], [2, 3]]))
    assert whole.bases == (Chebyshev(-1, 0.5), Fourier(0, 1), Chebyshev(2, 3))


def test_ends_may_miss_the_box_by_rounding_errors(library, rng):
    f = function(library, rng, BOX)
    low = np.nextafter(-5, -6)
    assert f.restrict([(low, 0.1 + 0.2), None, None]).domain[0] == (-5.0, 0.1 + 0.2)
    assert size(f.slice(0, low) - f.slice(0, -5), library) <= 1e-12 * size(f, library)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ([(-5.1, 1), None, None], r"interval 0 of domain is \[-5.1, 1\], and the function lives"),
        ([None, (0.5, 1.5), None], r"interval 1 of domain is \[0.5, 1.5\]"),
        ([(0, 0), None, None], "ends must be finite, and the first one the smaller"),
        ([(0.5, 0.2), None, None], "ends must be finite, and the first one the smaller"),
        ([None, None], "an interval, or None, for each of 3 axes"),
        (0.5, "an interval, or None, for each of 3 axes"),
    ],
)
def test_bad_boxes(library, rng, domain, message):
    with pytest.raises(ValueError, match=message):
        function(library, rng, BOX).restrict(domain)


def test_slices_with_numbers_and_scalars(library, rng):
    f = function(library, rng, BOX)
    middle = np.asarray([[-2.0], [0.25], [500.0]])
    expected = values(f, middle, library)[0].real
    everything = f.slice((0, 1, 2), (-2, 0.25, 500.0))
    assert everything.shape == ()
    assert float(everything) == pytest.approx(expected, rel=1e-12)
    assert float(f.slice(0, np.float64(-2)).slice((1, 0), [500.0, 0.25])) == pytest.approx(
        expected, rel=1e-11
    )
    # a period further
    assert float(f.slice((0, 1, 2), (-2, 3.25, 500.0))) == pytest.approx(expected, rel=1e-11)


def test_slices_of_single_precision_stay_so(library, rng):
    f = function(library, rng, BOX, dtype="float32")
    assert f.slice(0, 0.5).dtype == library.dtype("float32")
    assert f.slice((0, 1, 2), (0, 0, 1)).dtype == library.dtype("float32")
    assert f.restrict([(0, 1), (0, 0.5), None]).dtype == library.dtype("float32")


def test_bad_slices(library, rng):
    f = function(library, rng, BOX)
    with pytest.raises(ValueError, match=r"at is 2 on axis 0, and the function lives on \[-5, 1\]"):
        f.slice(0, 2)
    with pytest.raises(ValueError, match="at is nan on axis 1"):
        f.slice(1, float("nan"))
    with pytest.raises(ValueError, match="a number for each of 2 axes"):
        f.slice((0, 1), 0.5)
    with pytest.raises(ValueError, match="an axis appears twice"):
        f.slice((0, 0), (0.5, 0.5))


def test_permutations_go_back(library, rng):
    f = function(library, rng, BOX)
    back = f.permute((2, 0, 1)).permute((1, 2, 0))
    assert back.bases == f.bases
    assert size(back - f, library) == 0
    with pytest.raises(ValueError, match="a permutation of 3 axes"):
        f.permute((0, 1))
    with pytest.raises(ValueError, match="a permutation of 3 axes"):
        f.permute((0, 1, 1))


def test_squeeze_drops_what_the_function_does_not_depend_on(library, rng):
    f = function(library, rng, BOX)
    flat = f.integrate(1)
    # the same function of three variables, constant along the second with rounding errors
    constant = library.asarray(np.asarray([[1.0], [1e-17], [-1e-17]]))
    core = library.xp.expand_dims(flat.core, axis=1)
    g = ChebTucker(core, [flat.factors[0], constant, flat.factors[1]], BOX)
    for squeezed in (g.squeeze(), g.squeeze(1), g.squeeze((-2,))):
        assert squeezed.bases == flat.bases
        assert size(squeezed - flat, library) <= 1e-14 * size(flat, library)
    assert f.squeeze().ndim == 3
    with pytest.raises(ValueError, match="the function depends on variable 0, with degree 6"):
        g.squeeze(0)
    number = (0 * f + 2.5).squeeze()
    assert float(number) == pytest.approx(2.5, rel=1e-14)


def test_parts_of_functions_with_trains(library, rng):
    box = [Chebyshev(0, 1)] * 5
    array = function(library, rng, box, ranks=(2, 1, 3, 2, 2))
    f = ChebTucker(TensorTrain.from_array(array.core), array.factors, box)
    x = rng.random((5, 20))
    expected, atol = values(array, x, library), 1e-13 * size(array, library)
    order = (3, 1, 4, 0, 2)
    permuted = values(f.permute(order), x[list(order)], library)
    np.testing.assert_allclose(permuted, expected, rtol=0, atol=atol)
    part = f.restrict([(0, 1), None, (0, 1), None, (0.0, 0.5)])
    y = x * np.asarray([1, 1, 1, 1, 0.5])[:, None]
    np.testing.assert_allclose(
        values(part, y, library), values(array, y, library), rtol=0, atol=atol
    )
    at = {1: 0.25, 3: 0.75}
    z = np.array(x)
    z[1], z[3] = 0.25, 0.75
    sliced = f.slice(tuple(at), tuple(at.values()))
    np.testing.assert_allclose(
        values(sliced, x[[0, 2, 4]], library), values(array, z, library), rtol=0, atol=atol
    )
