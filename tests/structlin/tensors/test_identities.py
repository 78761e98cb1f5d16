"""Identities that functions satisfy at every point, to 50 times their tolerance.

Errors are measured in the sum of the absolute values of the coefficients, which bounds the
function.
"""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from structlin.bases import Chebyshev
from structlin.tensors import ChebTucker, TensorTrain
from tests.structlin.tensors.random_functions import problems, size, values

few = settings(max_examples=settings().max_examples // 3)


def bound(*functions, sizes):
    """Return the largest error that is allowed."""
    return 50 * max(f.report.tol for f in functions) * sizes


@few
@given(data=st.data())
def test_sums_and_differences(library, data):
    (f, g), x = data.draw(problems(library, 2, scales=(1.0, 1e-9, 1e9)))
    left, right = (values(h, x, library) for h in (f, g))
    allowed = bound(f, g, sizes=size(f, library) + size(g, library))
    np.testing.assert_allclose(values(f + g, x, library), left + right, rtol=0, atol=allowed)
    np.testing.assert_allclose(values(f - g, x, library), left - right, rtol=0, atol=allowed)
    assert (f + g).dtype == library.xp.result_type(f.dtype, g.dtype)
    assert (f - f).ranks == (1,) * f.ndim
    assert size(f - f, library) == 0


@few
@given(data=st.data())
def test_products(library, data):
    (f, g), x = data.draw(problems(library, 2, scales=(1.0, 1e-9, 1e9)))
    product = f * g
    expected = values(f, x, library) * values(g, x, library)
    allowed = bound(f, g, sizes=size(f, library) * size(g, library))
    np.testing.assert_allclose(values(product, x, library), expected, rtol=0, atol=allowed)
    assert product.dtype == library.xp.result_type(f.dtype, g.dtype)
    lengths = [
        basis.product_length(m + 1, n + 1)
        for basis, m, n in zip(f.bases, f.degrees, g.degrees, strict=True)
    ]
    assert all(degree < n for degree, n in zip(product.degrees, lengths, strict=True))


@few
@given(data=st.data())
def test_sums_and_products_are_linear(library, data):
    (f, g, h), x = data.draw(problems(library, 3, scales=(1.0,)))
    left, right = (f + g) * h, f * h + g * h
    allowed = (size(f, library) + size(g, library)) * size(h, library)
    np.testing.assert_allclose(
        values(left, x, library),
        values(right, x, library),
        rtol=0,
        atol=bound(f, g, h, sizes=allowed),
    )


@few
@given(data=st.data())
def test_the_derivative_of_the_antiderivative(library, data):
    (f,), x = data.draw(problems(library, 1))
    axis = data.draw(st.integers(-f.ndim, f.ndim - 1))
    # ∂∫ amplifies rounding errors of n coefficients n times
    n = f.cumsum(axis).degrees[axis] + 1
    allowed = bound(f, sizes=n * size(f, library))
    result = f.cumsum(axis).diff(axis)
    assert result.dtype == f.dtype
    np.testing.assert_allclose(
        values(result, x, library), values(f, x, library), rtol=0, atol=allowed
    )


@few
@given(data=st.data())
def test_the_integral_of_the_derivative(library, data):
    (f,), x = data.draw(problems(library, 1, min_axes=2))
    axis = data.draw(st.integers(0, f.ndim - 1))
    basis = f.bases[axis]
    high, low = (
        values(f, np.where(np.arange(f.ndim)[:, None] == axis, end, x), library)
        for end in (basis.high, basis.low)
    )
    total = f.diff(axis).integrate(axis)
    y = np.delete(x, axis, axis=0)
    n = f.degrees[axis] + 1
    allowed = bound(f, sizes=n * n * size(f, library))
    np.testing.assert_allclose(values(total, y, library), high - low, rtol=0, atol=allowed)


@few
@given(data=st.data())
def test_integrals_in_turn(library, data):
    (f,), _ = data.draw(problems(library, 1))
    volume = np.prod([basis.width for basis in f.bases])
    whole = complex(f.integrate())
    part = f
    while part.ndim > 1:
        part = part.integrate(data.draw(st.integers(0, part.ndim - 1)))
    allowed = bound(f, sizes=volume * size(f, library))
    assert abs(complex(part.integrate()) - whole) <= allowed
    ends = np.asarray([[basis.high] for basis in f.bases])
    antiderivative = f.cumsum(tuple(range(f.ndim)))
    assert abs(values(antiderivative, ends, library)[0] - whole) <= 10 * allowed


@few
@given(data=st.data())
def test_inner_products_and_norms(library, data):
    (f, g), _ = data.draw(problems(library, 2, scales=(1.0, 1e-9)))
    volume = np.prod([basis.width for basis in f.bases])
    sizes = size(f, library) * size(g, library) * volume
    allowed = bound(f, g, sizes=sizes)
    inner = complex(f.inner(g))
    assert abs(inner - complex(g.inner(f)).conjugate()) <= allowed
    assert abs(inner - complex((f.conj() * g).integrate())) <= 10 * allowed
    assert abs(inner) <= f.norm() * g.norm() * (1 + 50 * max(f.report.tol, g.report.tol))
    square = complex(f.inner(f))
    tol = 50 * f.report.tol * size(f, library) ** 2 * volume
    assert abs(square - f.norm() ** 2) <= tol
    assert abs(square.imag) <= tol


@few
@given(data=st.data())
def test_restrictions(library, data):
    (f,), x = data.draw(problems(library, 1))
    box, inside = [], np.array(x)
    for axis, basis in enumerate(f.bases):
        share = sorted(
            data.draw(st.sampled_from([(0.0, 1.0), (0.25, 0.5), (0.0, 1e-3), (0.9, 1.0)]))
        )
        low, high = (basis.low + basis.width * part for part in share)
        high = min(high, basis.high)
        box.append(None if share == [0, 1] and data.draw(st.booleans()) else (low, high))
        inside[axis] = np.clip(low + (x[axis] - basis.low) / basis.width * (high - low), low, high)
    part = f.restrict(box)
    assert part.dtype == f.dtype
    allowed = bound(f, sizes=size(f, library))
    np.testing.assert_allclose(
        values(part, inside, library), values(f, inside, library), rtol=0, atol=allowed
    )


@few
@given(data=st.data())
def test_slices_and_permutations(library, data):
    (f,), x = data.draw(problems(library, 1))
    order = tuple(data.draw(st.permutations(range(f.ndim))))
    allowed = bound(f, sizes=size(f, library))
    expected = values(f, x, library)
    permuted = f.permute(order)
    np.testing.assert_allclose(
        values(permuted, x[list(order)], library), expected, rtol=0, atol=allowed
    )
    assert [permuted.bases[k] for k in range(f.ndim)] == [f.bases[k] for k in order]
    gone = data.draw(st.sets(st.integers(0, f.ndim - 1), min_size=1))
    at = {k: float(x[k, 5]) for k in gone}
    part = f.slice(tuple(gone), tuple(at.values()))
    left = [k for k in range(f.ndim) if k not in gone]
    y = np.array(x)
    for k, place in at.items():
        y[k] = place
    expected = values(f, y, library)
    if left:
        np.testing.assert_allclose(values(part, x[left], library), expected, rtol=0, atol=allowed)
    else:
        assert abs(complex(part) - expected[0]) <= allowed


@few
@given(data=st.data())
def test_real_and_imaginary_parts(library, data):
    (f,), x = data.draw(problems(library, 1))
    expected, allowed = values(f, x, library), bound(f, sizes=size(f, library))
    for part, wanted in ((f.real, expected.real), (f.imag, expected.imag)):
        assert library.xp.isdtype(part.dtype, "real floating")
        np.testing.assert_allclose(values(part, x, library), wanted, rtol=0, atol=allowed)
    np.testing.assert_allclose(
        values(f.conj(), x, library), np.conj(expected), rtol=0, atol=allowed
    )


@few
@given(data=st.data())
def test_numbers(library, data):
    (f,), x = data.draw(problems(library, 1))
    number = data.draw(st.sampled_from([2, -0.5, 1j, np.float64(3.0), np.int64(2), True]))
    expected, allowed = values(f, x, library), bound(f, sizes=size(f, library) + 3)
    for result, wanted in (
        (f + number, expected + number),
        (number + f, expected + number),
        (f - number, expected - number),
        (number - f, number - expected),
        (f * number, expected * number),
        (number * f, expected * number),
        (f / number, expected / number),
    ):
        np.testing.assert_allclose(values(result, x, library), wanted, rtol=0, atol=allowed)
        kind = library.xp.result_type(f.dtype, library.xp.complex64)
        assert result.dtype == (kind if number == 1j else f.dtype)


def test_a_train_and_an_array_in_one_sum(library, rng):
    core, factors = rng.standard_normal((2, 3)), [rng.standard_normal((4, r)) for r in (2, 3)]
    parts = [library.asarray(U) for U in factors]
    box = [Chebyshev(), Chebyshev(0, 1)]
    f = ChebTucker(library.asarray(core), parts, box)
    g = ChebTucker(TensorTrain.from_array(library.asarray(core)), parts, box)
    assert size(f - g, library) == 0
