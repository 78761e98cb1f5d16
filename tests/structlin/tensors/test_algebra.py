"""Algebra of functions of several variables: reference values, data types, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker, TensorTrain, apply
from tests.structlin.tensors.random_functions import size, values

BOX = [Chebyshev(0, 2), Fourier(-1, 1), Chebyshev(-3, 5)]


def coordinate(library, axis=0, dtype="float64", box=BOX):
    """Return the coordinate of a Chebyshev axis as a function."""
    basis = box[axis]
    columns = [[[1.0]]] * len(box)
    columns[axis] = [[(basis.low + basis.high) / 2], [basis.width / 2]]
    factors = [library.asarray(column, dtype=dtype) for column in columns]
    return ChebTucker(library.asarray(np.ones((1,) * len(box)), dtype=dtype), factors, box)


def wave(library, box=BOX):
    """Return the cosine of the periodic axis as a function."""
    columns = [[[1.0]], [[0.0], [1.0]], [[1.0]]]
    return ChebTucker(
        library.asarray(np.ones((1, 1, 1))), [library.asarray(U) for U in columns], box
    )


def points(count=30, seed=0):
    share = np.random.default_rng(seed).random((3, count))
    return np.asarray([b.low + b.width * part for b, part in zip(BOX, share, strict=True)])


def compare(library, f, expected, tol=1e-13):
    x = points()
    np.testing.assert_allclose(
        values(f, x, library), expected(*x), rtol=0, atol=tol * np.max(np.abs(expected(*x)))
    )


def test_polynomials_and_waves(library):
    x, z, c = coordinate(library), coordinate(library, 2), wave(library)
    f = (x - z) ** 2 * (1 + c) / 2 - 3 * x * c
    compare(
        library,
        f,
        lambda x, y, z: (
            (x - z) ** 2 * (1 + np.cos(np.pi * (y + 1))) / 2 - 3 * x * np.cos(np.pi * (y + 1))
        ),
    )
    assert f.ranks == (3, 2, 3)
    assert f.degrees == (2, 2, 2)
    assert f.converged


def test_degrees_and_ranks_come_down_again(library):
    x, z = coordinate(library), coordinate(library, 2)
    f = (x**7 + z) - x**7
    assert f.degrees == (0, 0, 1)
    assert f.ranks == (1, 1, 1)


def test_a_difference_has_the_errors_of_its_operands(library):
    x = coordinate(library)
    f = 1 + 1e-6 * x
    difference = f - 1
    assert 1e5 < difference.report.tol / f.report.tol < 1e7
    compare(library, difference, lambda x, y, z: 1e-6 * x, tol=1e-8)
    assert ((1 + 1e-17 * x) - 1).ranks == (1, 1, 1)
    assert size((1 + 1e-17 * x) - 1, library) == 0


def test_small_terms_of_low_accuracy_do_no_harm(library):
    x = coordinate(library)
    rough = ((1 + 1e-9 * x) - 1) * 1e-9
    assert rough.report.tol > 1e-8
    f = coordinate(library, 2) + rough
    assert f.report.tol < 1e-13
    compare(library, f, lambda x, y, z: z + 1e-18 * x)


@pytest.mark.parametrize("scale", [1e-307, 1e-300, 1e-200, 1e200])
def test_scales(library, scale):
    x, z = coordinate(library) * scale, coordinate(library, 2) * scale
    compare(library, x + z, lambda x, y, z: scale * (x + z))
    compare(library, x * (z / scale), lambda x, y, z: scale * (x * z))
    compare(library, 1e-10 * x + z + z, lambda x, y, z: scale * (1e-10 * x + 2 * z))
    assert size(x - x, library) == 0


def test_what_is_too_large(library):
    x = coordinate(library) * 1e200
    with pytest.raises(OverflowError, match="too large for"):
        x * 1e200
    with pytest.raises(OverflowError, match="too large for"):
        x * x
    with pytest.raises(OverflowError, match="the inner product is too large for float64"):
        x.inner(x)


def test_columns_of_very_different_size(library):
    columns = [library.asarray([[1.0, 0.0], [0.0, 1e-14]]), library.asarray([[1.0], [0.5]])]
    core = library.asarray([[1.0], [1e14]])
    f = ChebTucker(core, columns, [Chebyshev(), Fourier(0, 1)])  # (1 + x) (1 + cos(2 pi y) / 2)
    places = np.random.default_rng(0).random((2, 20))
    exact = values(f, places, library)
    np.testing.assert_allclose(values(f * f, places, library), exact**2, rtol=0, atol=1e-13)
    np.testing.assert_allclose(values(f + f, places, library), 2 * exact, rtol=0, atol=1e-13)


def test_zero_functions(library):
    x = coordinate(library)
    zero = 0 * x
    for f in (zero, zero + zero, zero * x, zero - zero, zero**3):
        assert size(f, library) == 0
    compare(library, zero + x, lambda x, y, z: x)
    assert size(zero**0 - 1, library) == 0


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 6, 7])
def test_powers_by_squaring(library, exponent):
    f = coordinate(library) + wave(library)
    expected = lambda x, y, z: (x + np.cos(np.pi * (y + 1))) ** exponent  # noqa: E731
    compare(library, f**exponent, expected)


def test_powers_quotients_and_compositions_are_sampled():
    from tests.conftest import LIBRARIES

    library = LIBRARIES["numpy"]
    x, c = coordinate(library) + 1, wave(library)
    angle = lambda y: np.pi * (y + 1)  # noqa: E731
    cases = [
        (apply(np.exp, x, rng=0), lambda x, y, z: np.exp(x + 1)),
        (
            apply(lambda a, b: a * b / (1 + a), x, c),
            lambda x, y, z: (x + 1) * np.cos(angle(y)) / (x + 2),
        ),
        (1 / x, lambda x, y, z: 1 / (x + 1)),
        (c / x, lambda x, y, z: np.cos(angle(y)) / (x + 1)),
        (x**0.5, lambda x, y, z: np.sqrt(x + 1)),
        (x**-2, lambda x, y, z: (x + 1.0) ** -2),
        (x**c, lambda x, y, z: (x + 1) ** np.cos(angle(y))),
        (2**c, lambda x, y, z: 2 ** np.cos(angle(y))),
        (abs(-x), lambda x, y, z: x + 1),
        (np.sin(c), lambda x, y, z: np.sin(np.cos(angle(y)))),
        (np.hypot(x, 2.0), lambda x, y, z: np.hypot(x + 1, 2)),
    ]
    for f, expected in cases:
        compare(library, f, expected, tol=1e-11)
        assert f.converged
    assert cases[0][0].evaluations > 0
    assert cases[0][0].report.seed is not None
    assert cases[0][0].report.method == "apply(exp)"


def test_compositions_on_every_library(library):
    f = coordinate(library) * 0.5
    g = apply(library.xp.exp, f, tol=1e-10, rng=0)
    compare(library, g, lambda x, y, z: np.exp(x / 2), tol=1e-9)
    compare(library, np.exp(f), lambda x, y, z: np.exp(x / 2), tol=1e-11)


def test_scalars_of_numpy_on_the_left(library):
    x = coordinate(library)
    for result in (np.float64(2) * x, np.multiply(2.0, x), np.int32(2) * x, 2 * x):
        assert type(result) is ChebTucker
        compare(library, result, lambda x, y, z: 2 * x)
    compare(library, np.float64(2) + x, lambda x, y, z: 2 + x)
    compare(library, np.subtract(1.0, x), lambda x, y, z: 1 - x)
    compare(library, np.negative(x), lambda x, y, z: -x)
    compare(library, +x, lambda x, y, z: x)
    if library.name != "strict":  # its arrays do not give way
        compare(library, library.asarray(2.0) * x, lambda x, y, z: 2 * x)
    compare(library, x * library.asarray(2.0), lambda x, y, z: 2 * x)
    compare(library, np.conjugate(1j * x), lambda x, y, z: -1j * x)


def test_data_types(library):
    x = coordinate(library, dtype="float32")
    for result in (2 * x, x + 1.5, x / 3, x * np.float64(2), x**2, x - np.int64(1)):
        assert result.dtype == library.dtype("float32")
    for result in (1j * x, x + 1j, x * np.complex128(1j)):
        assert result.dtype == library.dtype("complex64")
    assert (x + coordinate(library)).dtype == library.dtype("float64")
    assert (x * coordinate(library)).dtype == library.dtype("float64")
    assert (x.real, x.conj()) == (x, x)
    assert size(x.imag, library) == 0


def test_a_periodic_axis_meets_one_that_is_not(library):
    box = [Chebyshev(0, 2), Chebyshev(-1, 1), Chebyshev(-3, 5)]
    y = coordinate(library, 1, box=box)
    f = wave(library) * y + y
    assert not any(basis.periodic for basis in f.bases)
    compare(library, f, lambda x, y, z: y * (1 + np.cos(np.pi * (y + 1))))


def test_large_products_are_made_of_values_or_sampled(rng):
    from tests.conftest import LIBRARIES

    library = LIBRARIES["numpy"]
    # ranks of 12 times 12 on 21 points: values are fewer
    U = [np.linalg.qr(rng.standard_normal((21, 12)))[0] for _ in range(3)]
    f = ChebTucker(rng.standard_normal((12, 12, 12)), U, BOX)
    x = points()
    expected = values(f, x, library) ** 2
    atol = 1e-13 * size(f, library) ** 2
    np.testing.assert_allclose(values(f * f, x, library), expected, rtol=0, atol=atol)
    train = ChebTucker(TensorTrain.from_array(f.core), U, BOX)
    np.testing.assert_allclose(values(train * f, x, library), expected, rtol=0, atol=atol)


def test_other_boxes_and_other_things(library):
    f = coordinate(library)
    g = coordinate(library, box=[Chebyshev(0, 2), Chebyshev(-1, 1), Chebyshev(-3, 6)])
    message = r"\[0, 2\] x \[-1, 1\] x \[-3, 5\] and \[0, 2\] x \[-1, 1\] x \[-3, 6\]: they need"
    for operation in (lambda: f + g, lambda: f * g, lambda: f / g, lambda: f.inner(g)):
        with pytest.raises(ValueError, match=message):
            operation()
    with pytest.raises(TypeError):
        f + "1"
    with pytest.raises(TypeError):
        np.ones(3) + f
    with pytest.raises(TypeError):
        f * [1, 2]
    with pytest.raises(TypeError):  # no function of single values
        np.matmul(f, f)
    with pytest.raises(TypeError, match="not a function of several variables"):
        apply(np.exp, f, 3.0)
    with pytest.raises(TypeError, match="there is no function"):
        apply(np.exp)
    with pytest.raises(ValueError, match="the scalar is nan"):
        f * float("nan")
    with pytest.raises(ValueError, match="the scalar is inf"):
        f + np.inf
    with pytest.raises(ZeroDivisionError):
        f / 0


def test_libraries_do_not_mix():
    from tests.conftest import LIBRARIES

    with pytest.raises(TypeError, match="mixed"):
        coordinate(LIBRARIES["numpy"]) + coordinate(LIBRARIES["strict"])


def test_poles_and_kinks_are_not_silent(library):
    x = coordinate(library)
    with pytest.raises(ValueError, match=r"the divisor has values from -0\.7 to"):
        1 / (x - 0.7)
    with pytest.raises(ValueError, match=r"nan|finite"):
        (x - 0.7) ** 0.5
    if library.name == "numpy":
        with pytest.warns(ConvergenceWarning, match="abs"):
            f = abs(x - 0.7)
        assert not f.converged
        assert not (f + 1).converged


def test_functions_with_trains_are_closed_under_algebra(library, rng):
    box = [(0, 1)] * 5
    core = library.asarray(rng.standard_normal((2, 1, 2, 1, 2)))
    factors = [library.asarray(rng.standard_normal((4, r))) for r in core.shape]
    f = ChebTucker(TensorTrain.from_array(core), factors, box)
    x = rng.random((5, 20))
    v = values(f, x, library)
    total = size(f, library)
    for result, expected in (
        (f * f + 2 * f - 1, v * v + 2 * v - 1),
        ((1j * f + f).imag, v),
        (f.conj() - f / 2, v / 2),
    ):
        np.testing.assert_allclose(
            values(result, x, library), expected, rtol=0, atol=1e-13 * (1 + total) ** 2
        )
