"""Values of functions at points and on grids, against NumPy's series and direct sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from numpy.polynomial import chebyshev

from structlin.bases import Fourier
from structlin.tensors import ChebTucker, TensorTrain

KINDS = ["float32", "float64", "complex64", "complex128"]


def normal(rng, shape, kind):
    out = rng.standard_normal(shape)
    if np.dtype(kind).kind == "c":
        out = out + 1j * rng.standard_normal(shape)
    return out.astype(kind)


def parts(rng, ranks=(3, 4, 2), lengths=(6, 5, 7), kind="float64"):
    return normal(rng, ranks, kind), [
        normal(rng, shape, kind) for shape in zip(lengths, ranks, strict=True)
    ]


def full(core, factors):
    """Return the tensor of all coefficients."""
    out = core
    for U in factors:
        out = np.tensordot(out, U, axes=((0,), (1,)))
    return out


def on(library, core, factors, domain=None):
    return ChebTucker(library.asarray(core), [library.asarray(U) for U in factors], domain)


def tolerance(core, factors, kind="float64"):
    size = full(np.abs(core), [np.abs(U) for U in factors]).sum()
    return 100 * float(np.finfo(kind).eps) * size


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_the_full_series(library, rng, kind):
    core, factors = parts(rng, kind=kind)
    f, C = on(library, core, factors), full(core, factors).astype(np.complex128)
    x, y, z = rng.uniform(-1, 1, (3, 70))
    tol = tolerance(core, factors, kind)
    values = f(*map(library.asarray, (x, y, z)))
    assert values.dtype == f.dtype == library.dtype(kind)
    expected = chebyshev.chebval3d(x, y, z, C)
    np.testing.assert_allclose(library.to_numpy(values), expected, rtol=0, atol=tol)
    values = f.grid(*map(library.asarray, (x[:3], y[:4], z[:5])))
    assert values.dtype == f.dtype
    expected = chebyshev.chebgrid3d(x[:3], y[:4], z[:5], C)
    np.testing.assert_allclose(library.to_numpy(values), expected, rtol=0, atol=tol)


@pytest.mark.parametrize("d", [1, 2, 4, 5, 6])
def test_any_number_of_variables_as_array_or_train(library, rng, d):
    ranks, lengths = rng.integers(1, 5, d), rng.integers(1, 6, d)
    core, factors = parts(rng, tuple(ranks), tuple(lengths))
    domain = [(-2.0, 1.0 + k) for k in range(d)]
    f = on(library, core, factors, domain)
    train = ChebTucker(TensorTrain.from_array(f.core), f.factors, domain)
    x = rng.uniform(-2, 1, (d, 40))
    rows = []
    for k, U in enumerate(factors):
        t = (2 * x[k] - (domain[k][0] + domain[k][1])) / (domain[k][1] - domain[k][0])
        rows.append(chebyshev.chebvander(t, len(U) - 1) @ U)
    letters = "abcdef"[:d]
    formula = ",".join([letters, *(f"p{k}" for k in letters)]) + "->p"
    expected = np.einsum(formula, core, *rows)
    tol = tolerance(core, factors)
    for each in (f, train):
        values = library.to_numpy(each(*map(library.asarray, x)))
        np.testing.assert_allclose(values, expected, rtol=0, atol=tol)
        few = each.grid(*(library.asarray(row[:2]) for row in x))
        assert few.shape == (2,) * d
        few = library.to_numpy(few)
        assert few[(0,) * d] == pytest.approx(expected[0], abs=tol)
        assert few[(1,) * d] == pytest.approx(expected[1], abs=tol)


def test_periodic_axes_are_sums_of_cosines_and_sines_at_every_number(library, rng):
    core, factors = parts(rng, (2, 3), (4, 5))
    f = on(library, core, factors, [(0, 1), Fourier(1, 3)])
    x, y = rng.uniform(0, 1, 50), rng.uniform(-20, 20, 50)
    angle = math.pi * (y - 1)
    waves = [np.ones(50), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    rows = chebyshev.chebvander(2 * x - 1, 3) @ factors[0], np.stack(waves, axis=1) @ factors[1]
    expected = np.einsum("ab,pa,pb->p", core, *rows)
    values = library.to_numpy(f(library.asarray(x), library.asarray(y)))
    np.testing.assert_allclose(values, expected, rtol=0, atol=10 * tolerance(core, factors))
    with pytest.raises(ValueError, match=r"coordinate 1 is inf: it must be finite"):
        f(0.5, math.inf)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4, min_side=0))
def test_coordinates_broadcast_as_in_numpy(library, shapes):
    rng = np.random.default_rng(5)
    core, factors = parts(rng)
    f = on(library, core, factors)
    x = [rng.uniform(-1, 1, shape) for shape in shapes.input_shapes]
    values = library.to_numpy(f(*map(library.asarray, x)))
    assert values.shape == shapes.result_shape
    flat = [each.ravel() for each in np.broadcast_arrays(*x)]
    expected = chebyshev.chebval3d(*flat, full(core, factors)).reshape(shapes.result_shape)
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance(core, factors))


def test_numbers_lists_integers_and_strided_arrays(rng):
    core, factors = parts(rng, (2, 2), (3, 4))
    f = ChebTucker(core, factors, [(-1, 2), (0, 4)])
    one = f(1, 2.5)
    assert isinstance(one, np.float64)
    assert f(np.float32(1), np.float64(2.5)) == one == f(np.asarray(1), np.asarray(2.5))
    assert np.array_equal(f([1, 1], (2.5, 2.5)), [one, one])
    assert np.array_equal(f(np.array([1, -1])[::2], 2.5), [one])
    x, y = rng.uniform(-1, 2, (6, 5)), rng.uniform(0, 4, (6, 5))
    expected = f(x.ravel(), y.ravel()).reshape(6, 5)
    assert np.array_equal(f(x, y), expected)
    assert np.array_equal(f(np.asfortranarray(x), y), expected)
    assert np.array_equal(f(x[::-2, ::3], y[::-2, ::3]), expected[::-2, ::3])
    read_only = x.copy()
    read_only.flags.writeable = False
    assert np.array_equal(f(read_only, y), expected)
    assert np.array_equal(f(np.array([-1, 0, 2]), 4), f(np.array([-1.0, 0.0, 2.0]), 4.0))


def test_the_data_type_is_that_of_the_function(library, rng):
    core, factors = parts(rng, (2, 2), (5, 6))
    x = np.linspace(0.1, 0.9, 9).astype(np.float32)
    f = on(library, core, factors, [(0, 1), (1e6, 1e6 + 1)])
    single = on(library, core.astype(np.float32), [U.astype(np.float32) for U in factors], f.domain)
    y = 1e6 + np.linspace(0, 1, 9)
    values = f(library.asarray(x), library.asarray(y))
    assert values.dtype == library.dtype("float64")
    exact = f(library.asarray(x.astype(np.float64)), library.asarray(y))
    assert np.array_equal(library.to_numpy(values), library.to_numpy(exact))
    # the second coordinate would be lost in single precision
    rough = single(library.asarray(x), library.asarray(y))
    assert rough.dtype == library.dtype("float32")
    error = np.abs(library.to_numpy(rough) - library.to_numpy(exact))
    assert np.max(error) <= tolerance(core, factors, "float32")


def test_number_of_any_library(library, rng):
    core, factors = parts(rng, (2, 2), (5, 6))
    f = on(library, core, factors)
    value = f(0.25, library.asarray(0.5))
    assert value.shape == ()
    expected = chebyshev.chebval2d(0.25, 0.5, full(core, factors))
    assert float(value) == pytest.approx(expected, abs=tolerance(core, factors))
    assert f(library.asarray(np.zeros((0, 3))), 0.5).shape == (0, 3)


def test_grid_takes_the_shapes_of_all_coordinates(library, rng):
    core, factors = parts(rng)
    f = on(library, core, factors)
    x, y = rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, 4)
    values = f.grid(library.asarray(x), 0.5, library.asarray(y))
    expected = chebyshev.chebgrid3d(x, 0.5, y, full(core, factors))
    assert values.shape == expected.shape == (2, 3, 4)
    np.testing.assert_allclose(
        library.to_numpy(values), expected, rtol=0, atol=tolerance(core, factors)
    )
    assert f.grid(0.5, library.asarray(np.zeros(0)), library.asarray(y)).shape == (0, 4)
    assert f.grid(0.5, 0.5, 0.5).shape == ()


def test_grid_guards_the_memory(rng):
    core, factors = parts(rng)
    f = ChebTucker(core, factors)
    x = np.zeros(1000)
    with pytest.raises(MemoryError, match=r"the grid has 1000 x 1000 x 1000 entries, 7\.45 GiB"):
        f.grid(x, x, x)
    train = ChebTucker(TensorTrain.from_array(core), factors)
    for each in (f, train):
        assert each.grid(x[:10], x[:10], x[:10], max_bytes=8000).shape == (10, 10, 10)
        with pytest.raises(MemoryError, match="raise max_bytes"):
            each.grid(x[:10], x[:10], x[:11], max_bytes=8000)


def test_points_outside_of_the_box(library, rng):
    core, factors = parts(rng, (2, 2), (5, 6))
    f = on(library, core, factors, [(0.1, 0.3), (-5, 1)])
    x, y = np.full((3, 4), 0.2), np.zeros((3, 4))
    y[1, 2], y[2, 0] = 1.5, -7
    with pytest.raises(ValueError, match=r"coordinate 1\[1, 2\] is 1\.5, outside of \[-5, 1\]"):
        f(library.asarray(x), library.asarray(y))
    for out in (0.31, math.inf, -math.inf):
        with pytest.raises(ValueError, match=r"coordinate 0 is .*extrapolate=True"):
            f(out, 0)
        with pytest.raises(ValueError, match=r"coordinate 0\[1\] is "):
            f.grid(library.asarray([0.2, out]), 0.5)
    # ends that were rounded are in the box
    for kind in (np.float32, np.float64):
        ends = np.nextafter(np.array([0.1, 0.3], kind), np.array([-1, 1], kind))
        values = library.to_numpy(f(library.asarray(ends), 1.0))
        np.testing.assert_allclose(values, [float(f(x, 1.0)) for x in (0.1, 0.3)], rtol=1e-13)


def test_rounding_errors_are_no_extrapolation():
    # in single precision this box is as wide as sixteen rounding errors
    f = ChebTucker(np.ones(1), [np.eye(30)[:, 29:]], [(1e6, 1e6 + 1)])
    x = np.array([1e6 - 0.25, 1e6 + 1.25], np.float32)
    np.testing.assert_array_equal(f(x), f(np.array([1e6, 1e6 + 1])))
    with pytest.raises(ValueError, match="outside"):
        f(x + np.float32(2))


def test_extrapolation_is_the_polynomial(library, rng):
    core, factors = parts(rng, (2, 2), (5, 6))
    f = on(library, core, factors)
    x, y = rng.uniform(-1.5, 1.5, (2, 30))
    C = full(core, factors)
    expected = chebyshev.chebval2d(x, y, C)
    values = library.to_numpy(f(library.asarray(x), library.asarray(y), extrapolate=True))
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12 * np.max(np.abs(expected)))
    values = library.to_numpy(f.grid(library.asarray(x), 1.5, extrapolate=True))
    expected = chebyshev.chebgrid2d(x, 1.5, C)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12 * np.max(np.abs(expected)))


@pytest.mark.parametrize("lengths", [(1, 1), (5, 6)])
def test_a_coordinate_that_is_nan_gives_nan(library, rng, lengths):
    core, factors = parts(rng, (2, 2), lengths)
    f = on(library, core, factors, [(0, 1), Fourier(0, 1)])
    train = ChebTucker(TensorTrain.from_array(f.core), f.factors, f.bases)
    x, y = np.array([0.2, math.nan, 0.2]), np.array([math.nan, 0.2, 0.3])
    for each in (f, train):
        values = library.to_numpy(each(library.asarray(x), library.asarray(y)))
        assert np.array_equal(np.isnan(values), [True, True, False])
        values = library.to_numpy(each.grid(library.asarray(x), library.asarray(y)))
        assert np.array_equal(np.isnan(values), np.isnan(x)[:, None] | np.isnan(y))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_functions_of_any_size(rng, scale):
    core, factors = parts(rng, (2, 2), (5, 6))
    f, g = ChebTucker(core, factors), ChebTucker(core * scale, factors)
    x, y = rng.uniform(-1, 1, (2, 50))
    tol = tolerance(core, factors)
    np.testing.assert_allclose(g(x, y) / scale, f(x, y), rtol=0, atol=tol)
    np.testing.assert_allclose(g.grid(x, y) / scale, f.grid(x, y), rtol=0, atol=tol)


def test_clear_errors(library, rng):
    core, factors = parts(rng, (2, 2), (5, 6))
    f = on(library, core, factors)
    x = library.asarray(np.zeros(3))
    with pytest.raises(TypeError, match="has 2 variables, and 3 coordinates came"):
        f(x, x, x)
    with pytest.raises(
        TypeError, match=r"and 1 coordinates came.*f\(\*points\.T\) for an \(N, 2\)"
    ):
        f.grid(x)
    with pytest.raises(TypeError, match=r"coordinate 1 has dtype .*complex128: pass real numbers"):
        f(x, library.asarray(np.zeros(3, dtype=complex)))
    with pytest.raises(TypeError, match=r"coordinate 0 has dtype .*complex"):
        f(1j, x)
    with pytest.raises(ValueError, match=r"shapes \(3,\), \(4,\), which do not broadcast"):
        f(x, library.asarray(np.zeros(4)))
    with pytest.raises(TypeError, match="str"):
        f("0.5", x)


def test_arrays_of_another_library(rng):
    strict = pytest.importorskip("array_api_strict")
    core, factors = parts(rng, (2, 2), (5, 6))
    f = ChebTucker(core, factors)
    with pytest.raises(TypeError, match="are mixed: move them to one library"):
        f(np.zeros(3), strict.zeros(3))
    g = ChebTucker(strict.asarray(core), [strict.asarray(U) for U in factors])
    with pytest.raises(TypeError, match="are mixed: move them to one library"):
        g(np.zeros(3), 0.5)
    with pytest.raises(TypeError, match="list is not an array"):
        g([0.0, 0.5], 0.5)
