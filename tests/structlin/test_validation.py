"""The checks of user input that every wing shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._validation import (
    inexact,
    require_count,
    require_finite,
    require_finite_samples,
    require_positive,
    require_tolerance,
)


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128"])
def test_floating_and_complex_arrays_stay_as_they_are(library, name):
    x = library.asarray([1, 2], dtype=name)
    assert inexact(x) is x


@pytest.mark.parametrize("name", ["bool", "int8", "int64", "uint16"])
def test_integers_and_booleans_become_float64(library, name):
    x = library.asarray([0, 1, 1], dtype=name)
    y = inexact(x)
    assert y.dtype == library.dtype("float64")
    np.testing.assert_array_equal(library.to_numpy(y), [0.0, 1.0, 1.0])
    assert inexact(library.asarray(np.empty((0, 3), dtype=name))).shape == (0, 3)


def test_other_data_types_are_refused_with_the_cure():
    with pytest.raises(TypeError, match="not numeric: pass integers, floats or complex numbers"):
        inexact(np.array(["1.0"]))


@given(data=st.data())
def test_the_first_bad_index_is_named(library, data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3).map(tuple))
    kind = data.draw(st.sampled_from(["float32", "float64", "complex64", "complex128"]))
    x = np.ones(shape, dtype=kind)
    require_finite("x", library.asarray(x))
    bad = data.draw(st.sets(st.sampled_from(list(np.ndindex(shape))), min_size=1))
    for index in bad:
        x[index] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    where = ", ".join(str(i) for i in min(bad))
    with pytest.raises(ValueError, match="must be finite") as caught:
        require_finite("x", library.asarray(x))
    assert str(caught.value).startswith(f"x has a NaN or Inf at [{where}]:")


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_arrays_are_finite(library, shape):
    require_finite("x", library.asarray(np.empty(shape)))


def test_integers_are_finite(library):
    require_finite("x", library.asarray([1, 2, 3]))


def test_strided_arrays_are_indexed_as_the_user_sees_them():
    x = np.ones((4, 6))
    x[2, 4] = np.nan
    with pytest.raises(ValueError, match=r"at \[1, 2\]"):
        require_finite("x", x[::2, ::2])
    with pytest.raises(ValueError, match=r"at \[4, 2\]"):
        require_finite("x", x.T)


def test_samples_and_places_are_named():
    x = np.zeros((4, 2, 3))
    require_finite_samples("inputs", x)
    x[2, 1, 0] = np.inf
    with pytest.raises(ValueError, match=r"sample 2 of inputs has a NaN or Inf at \[1, 0\]"):
        require_finite_samples("inputs", x)


@pytest.mark.parametrize("value", [0, 1.5, True, "a", None, math.nan])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(ValueError, match=r"rank is .*: pass a whole number of 1 or more"):
        require_count("rank", value)
    assert require_count("rank", np.int64(3)) == 3


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "a", None])
def test_what_is_no_size_or_tolerance_is_refused(value):
    with pytest.raises(ValueError, match=r"length is .*: pass a positive number"):
        require_positive("length", value)
    with pytest.raises(ValueError, match=r"tol is .*: pass a number of 0 or more, below 1"):
        require_tolerance("tol", value)
    assert require_positive("length", 2) == 2.0
    assert require_tolerance("tol", 0) == 0.0
