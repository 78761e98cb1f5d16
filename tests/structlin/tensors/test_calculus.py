"""Derivatives and integrals: formulas, norms without cancellation, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker, TensorTrain, chebtucker
from tests.structlin.tensors.random_functions import coefficients, size, values


def separable(library, functions, box, dtype="float64"):
    """Return the product of functions of one variable, interpolated."""
    factors = []
    for function, basis in zip(functions, box, strict=True):
        n = 21
        factors.append(
            library.asarray(basis.coefficients(function(basis.points(n)))[:, None], dtype)
        )
    core = library.asarray(np.ones((1,) * len(box)), dtype)
    return ChebTucker(core, factors, box)


def points(box, count=40, seed=0):
    share = np.random.default_rng(seed).random((len(box), count))
    return np.asarray([b.low + b.width * part for b, part in zip(box, share, strict=True)])


def test_derivatives_of_every_order(library):
    box = [Chebyshev(0, 2), Fourier(-1, 2)]
    speed = 2 * np.pi / 3
    f = separable(library, [np.exp, lambda y: np.cos(speed * (y + 1))], box)
    x, y = points(box)
    for order in range(5):
        result = values(f.diff(0, order), np.asarray([x, y]), library)
        expected = np.exp(x) * np.cos(speed * (y + 1))
        # a derivative of order m of a polynomial of degree n is up to n²ᵐ/(2m − 1)!! times as large
        atol = 1e-14 * 20.0 ** (2 * order) / np.prod(np.arange(1, 2 * order, 2))
        np.testing.assert_allclose(result, expected, rtol=0, atol=atol)
        result = values(f.diff(-1, order), np.asarray([x, y]), library)
        expected = np.exp(x) * speed**order * np.cos(speed * (y + 1) + order * np.pi / 2)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12 * 10.0**order)
    assert f.diff(0, 0) is f


def test_derivatives_against_chebder(library, rng):
    C = rng.standard_normal((9, 7, 5))
    factors = [library.asarray(np.eye(n)) for n in C.shape]
    box = [Chebyshev(0, 4), Chebyshev(), Chebyshev(-1, 0)]
    f = ChebTucker(library.asarray(C), factors, box)
    for axis, scale in enumerate([0.5, 1.0, 2.0]):
        derivative = coefficients(f.diff(axis), library)
        expected = scale * chebyshev.chebder(C, axis=axis)
        np.testing.assert_allclose(derivative, expected, rtol=0, atol=1e-12)
        integral = coefficients(f.cumsum(axis), library)
        expected = chebyshev.chebint(C, lbnd=-1, axis=axis) / scale
        np.testing.assert_allclose(integral, expected, rtol=0, atol=1e-13)


def test_derivatives_do_not_lose_the_digits_of_a_compressed_function(library):
    # x is large where y is small: the columns of the factors have very different sizes
    box = [Chebyshev(), Chebyshev()]
    n = 40
    x = box[0].points(n)
    V = 1 / (x[:, None] + x[None, :] / 2 + 1.8)
    C = box[1].coefficients(box[0].coefficients(V).T).T
    f = ChebTucker(
        library.asarray(C), [library.asarray(np.eye(n)) for _ in range(2)], box
    )._compressed()
    assert max(f.ranks) < 25
    p = points(box)
    expected = -1 / (p[0] + p[1] / 2 + 1.8) ** 2
    error = np.max(np.abs(values(f.diff(0), p, library) - expected)) / np.max(np.abs(expected))
    assert error < 1e-11


def test_gradient_and_laplacian(library):
    box = [Chebyshev(-1, 1), Chebyshev(0, 2), Chebyshev(-2, 0)]
    e = separable(library, [np.exp, np.cos, np.ones_like], box)
    p = points(box)
    parts = [values(g, p, library) for g in e.gradient()]
    expected = [np.exp(p[0]) * np.cos(p[1]), -np.exp(p[0]) * np.sin(p[1]), 0 * p[0]]
    np.testing.assert_allclose(parts, expected, rtol=0, atol=1e-12)
    # harmonic: nothing is left but rounding errors of second derivatives
    assert size(e.laplacian(), library) < 1e-9
    g = separable(library, [lambda x: x**2, lambda y: y**2, lambda z: z**2], box)
    x, y, z = p
    expected = 2 * (y * y * z * z + x * x * z * z + x * x * y * y)
    np.testing.assert_allclose(values(g.laplacian(), p, library), expected, rtol=0, atol=1e-10)


def test_integrals_over_all_and_some_variables(library):
    box = [Chebyshev(0, 2), Fourier(0, np.pi), Chebyshev(-1, 3)]
    f = separable(library, [np.exp, lambda y: np.sin(y) ** 2, np.cos], box)
    parts = [np.exp(2) - 1, np.pi / 2, np.sin(3) + np.sin(1)]
    assert float(f.integrate()) == pytest.approx(np.prod(parts), rel=1e-13)
    assert float(f.integrate((2, 0, 1))) == pytest.approx(np.prod(parts), rel=1e-13)
    g = f.integrate((0, -1))
    assert g.domain == [(0.0, np.pi)]
    assert g.bases == (box[1],)
    y = points(box[1:2])
    expected = parts[0] * parts[2] * np.sin(y[0]) ** 2
    np.testing.assert_allclose(values(g, y, library), expected, rtol=0, atol=1e-13 * 8)
    assert f.integrate(1).ndim == 2


def test_antiderivatives_are_zero_at_the_low_end(library):
    box = [Chebyshev(-3, 1), Fourier(0, 1)]
    f = separable(library, [np.exp, lambda y: 1 + np.sin(2 * np.pi * y)], box)
    for axis in (0, 1, (0, 1)):
        g = f.cumsum(axis)
        for k in (axis,) if isinstance(axis, int) else axis:
            p = points(g.bases)
            p[k] = g.bases[k].low
            np.testing.assert_allclose(values(g, p, library), 0, rtol=0, atol=1e-14)
    both = f.cumsum((0, 1))
    assert both.bases == (Chebyshev(-3, 1), Chebyshev(0, 1))
    x, y = points(both.bases)
    expected = (np.exp(x) - np.exp(-3)) * (y + (1 - np.cos(2 * np.pi * y)) / (2 * np.pi))
    np.testing.assert_allclose(
        values(both, np.asarray([x, y]), library), expected, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-12])
def test_identities_of_functions_that_were_built(tol):
    from tests.conftest import LIBRARIES

    library = LIBRARIES["numpy"]
    f = chebtucker(lambda x, y: 1 / (1 + x**2 + 4 * y**2), [(-1, 1), (0, 2)], tol=tol, rng=0)
    g = chebtucker(lambda x, y: np.exp(x * y), [(-1, 1), (0, 2)], tol=tol, rng=0)
    p = points(f.bases, 200)
    left, right = values(f, p, library), values(g, p, library)
    for result, expected in (
        (f + g, left + right),
        (f - g, left - right),
        (f * g, left * right),
        (f.cumsum(0).diff(0), left),
        (f.cumsum(1).diff(1), left),
        (f.cumsum((0, 1)).diff(1).diff(0), left),
    ):
        atol = 10 * tol * np.max(np.abs(left)) * np.max(np.abs(right))
        np.testing.assert_allclose(values(result, p, library), expected, rtol=0, atol=atol)


def test_norms_of_functions_that_nearly_cancel(library):
    # the columns of the factor are nearly parallel, and their sum is 1e-10 times as large
    u = np.asarray([1.0, 0.5, 0.25, 0.125])
    v = u + 1e-10 * np.asarray([0.0, 1.0, 0.0, 0.0])
    U = library.asarray(np.stack([u, v], axis=1))
    f = ChebTucker(library.asarray(np.asarray([1.0, -1.0])), [U], [(0, 2)])
    # ‖T₁‖² on [0, 2] is 2/3; entries of U are rounded to 1e-16
    assert f.norm() == pytest.approx(1e-10 * np.sqrt(2 / 3), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_norms_and_inner_products_by_quadrature(library, dtype, rng):
    box = [Chebyshev(0, 3), Fourier(-1, 1)]
    factor = 1j if dtype.startswith("complex") else 1
    f = separable(library, [lambda x: np.exp(x), lambda y: np.cos(np.pi * y) * factor], box, dtype)
    g = separable(library, [lambda x: x, lambda y: 1 + np.cos(np.pi * y)], box, dtype)
    tol = 20 * float(np.finfo(dtype).eps)
    assert f.norm() == pytest.approx(np.sqrt((np.exp(6) - 1) / 2), rel=tol)
    expected = (2 * np.exp(3) + 1) * np.conj(factor)
    assert complex(f.inner(g)) == pytest.approx(expected, rel=tol)
    assert complex(g.inner(f)) == pytest.approx(np.conj(expected), rel=tol)
    assert f.inner(g).dtype == library.dtype(dtype)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_norms_of_all_scales(library, scale):
    f = separable(library, [np.exp], [Chebyshev(0, 1)]) * scale
    assert f.norm() == pytest.approx(scale * np.sqrt((np.exp(2) - 1) / 2), rel=1e-13)
    assert (0 * f).norm() == 0


def test_inner_products_of_other_bases(library):
    f = separable(library, [lambda x: np.cos(2 * np.pi * x)], [Fourier(0, 1)])
    g = separable(library, [lambda x: x**2], [Chebyshev(0, 1)])
    assert float(f.inner(g)) == pytest.approx(1 / (2 * np.pi**2), rel=1e-12)


def test_calculus_with_a_train(library, rng):
    core = rng.standard_normal((2, 3, 2, 1, 2))
    factors = [library.asarray(rng.standard_normal((4, r))) for r in core.shape]
    box = [Chebyshev(0, 1)] * 5
    f = ChebTucker(library.asarray(core), factors, box)
    g = ChebTucker(TensorTrain.from_array(library.asarray(core)), factors, box)
    assert float(g.integrate()) == pytest.approx(float(f.integrate()), rel=1e-10)
    assert g.norm() == pytest.approx(f.norm(), rel=1e-12)
    assert float(g.inner(f)) == pytest.approx(f.norm() ** 2, rel=1e-12)
    for left, right in (
        (g.diff(2), f.diff(2)),
        (g.cumsum((0, 4)), f.cumsum((0, 4))),
        (g.integrate((1, 3)), f.integrate((1, 3))),
        (g.laplacian(), f.laplacian()),
    ):
        np.testing.assert_allclose(
            coefficients(left, library),
            coefficients(right, library),
            rtol=0,
            atol=1e-13 * size(right, library),
        )


def test_bad_arguments(library):
    f = separable(library, [np.exp, np.exp], [Chebyshev(), Chebyshev()])
    with pytest.raises(ValueError, match="axis is 2: the function has 2 axes, 0 to 1"):
        f.diff(2)
    with pytest.raises(TypeError, match=r"axis is 0\.5: pass an integer"):
        f.diff(0.5)
    with pytest.raises(ValueError, match="order is -1: pass 0 or more"):
        f.diff(0, -1)
    with pytest.raises(TypeError, match=r"order is 0\.5"):
        f.diff(0, 0.5)
    with pytest.raises(ValueError, match="an axis appears twice"):
        f.integrate((0, -2))
    with pytest.raises(TypeError, match="float is not a function"):
        f.inner(2.0)
