"""Relative errors of predicted functions."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.operators import relative_errors


def test_the_formula(library):
    rng = np.random.default_rng(0)
    true, predicted = rng.standard_normal((2, 5, 3, 4))
    want = [np.linalg.norm(p - t) / np.linalg.norm(t) for p, t in zip(predicted, true, strict=True)]
    got = relative_errors(library.asarray(predicted), library.asarray(true))
    np.testing.assert_allclose(library.to_numpy(got), want, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_neither_overflows_nor_vanishes(scale):
    true = scale * np.array([[3.0, 4.0]])
    np.testing.assert_allclose(relative_errors(0.5 * true, true), [0.5], rtol=1e-14)


def test_a_zero_function_has_the_error_of_its_prediction():
    true = np.zeros((2, 3))
    predicted = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert relative_errors(predicted, true).tolist() == [0.0, np.inf]


def test_complex_and_single_precision():
    true = np.array([[1j, 1.0]], dtype=np.complex64)
    errors = relative_errors(2 * true, true)
    assert errors.dtype == np.float32
    np.testing.assert_allclose(errors, [1.0], rtol=1e-6)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"predicted has shape \(2, 3\) and true \(3, 2\)"):
        relative_errors(np.ones((2, 3)), np.ones((3, 2)))
