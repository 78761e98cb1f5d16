"""The sine transform against its matrix, in every array library and precision."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes

from structlin.bases import dst1

DTYPES = ["float32", "float64", "complex64", "complex128"]


def sine_matrix(n):
    """Return ``√(2/(n+1)) sin(π i k/(n+1))``."""
    k = np.arange(1, n + 1)
    turns = np.outer(k, k) % (2 * (n + 1))  # of half a period: small arguments round less
    return np.sqrt(2 / (n + 1)) * np.sin(np.pi * turns / (n + 1))


def along(matrix, x, axis):
    return np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis)


@st.composite
def problems(draw):
    """Shapes with at most 200 entries or so, and a choice of axes."""
    shape = draw(array_shapes(max_dims=3, max_side=6) | array_shapes(max_dims=1, max_side=200))
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1)))
    unique = {axis % len(shape): axis for axis in axes}
    return shape, draw(st.none() | st.just(tuple(unique.values())))


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return (values if dtype.startswith("complex") else values.real).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(problem=problems(), seed=st.integers(0, 100))
def test_equals_the_sine_matrix(library, dtype, problem, seed):
    shape, axes = problem
    x = sample(shape, dtype, seed)
    expected = x.astype(complex if "complex" in dtype else float)
    for axis in range(len(shape)) if axes is None else axes:
        expected = along(sine_matrix(shape[axis]), expected, axis)
    result = dst1(library.asarray(x), axes=axes)
    assert result.dtype == library.dtype(dtype)
    assert result.shape == shape
    # an FFT of n numbers rounds O(log n) times, relative to the largest of them
    eps = 20 * np.finfo(dtype).eps * np.linalg.norm(x)
    np.testing.assert_allclose(library.to_numpy(result), expected, rtol=0, atol=eps)


@pytest.mark.parametrize("dtype", DTYPES)
@given(problem=problems())
def test_is_its_own_inverse_and_keeps_the_norm(library, dtype, problem):
    shape, axes = problem
    x = sample(shape, dtype)
    once = dst1(library.asarray(x), axes=axes)
    eps = 20 * np.finfo(dtype).eps * np.linalg.norm(x)
    np.testing.assert_allclose(library.to_numpy(dst1(once, axes=axes)), x, rtol=0, atol=eps)
    assert abs(np.linalg.norm(library.to_numpy(once)) - np.linalg.norm(x)) <= eps


def test_diagonalises_the_second_difference(library):
    n = 9
    difference = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1) - 2 * np.eye(n)
    columns = library.to_numpy(dst1(library.asarray(difference), axes=0))
    rows = library.to_numpy(dst1(library.asarray(columns), axes=1))
    eigenvalues = 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1)) - 2
    np.testing.assert_allclose(rows, np.diag(eigenvalues), atol=1e-14)


def test_lives_on_the_device_of_its_input(library):
    x = library.asarray(np.ones((3, 4)))
    assert dst1(x).device == x.device


def test_integers_become_float64(library):
    result = dst1(library.asarray([[1, 2], [3, 4]], dtype=np.int64))
    assert result.dtype == library.dtype("float64")
    expected = sine_matrix(2) @ [[1, 2], [3, 4]] @ sine_matrix(2)
    np.testing.assert_allclose(library.to_numpy(result), expected, atol=1e-14)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_arrays_stay_empty(library, shape):
    assert dst1(library.asarray(np.ones(shape))).shape == shape


def test_input_is_left_alone_and_may_be_a_view():
    x = sample((6, 8), "float64")
    original = x.copy()
    view = x[::2, ::-1].T
    result = dst1(view)
    np.testing.assert_array_equal(x, original)
    np.testing.assert_allclose(result, dst1(np.ascontiguousarray(view)), rtol=1e-14)
    x.setflags(write=False)
    assert dst1(x, axes=()) is not x


@pytest.mark.parametrize(
    ("axes", "message"),
    [(2, r"shape \(3, 4\) has no axis 2"), ((0, -3), "no axis -3"), ((1, -1), "appears twice")],
)
def test_wrong_axes(axes, message):
    with pytest.raises(ValueError, match=message):
        dst1(np.ones((3, 4)), axes=axes)


def test_things_that_are_not_arrays():
    with pytest.raises(TypeError, match="list is not an array"):
        dst1([1.0, 2.0])
    with pytest.raises(TypeError, match="not numeric"):
        dst1(np.array(["a"]))
