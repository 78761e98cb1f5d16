from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.sparse

from structlin.sketching import RowBlocks, dct_basis


def smooth(m=80, n=30):
    x, y = np.linspace(0, 1, m)[:, None], np.linspace(0, 1, n)
    return np.exp(-3 * (x - y) ** 2) + x * np.sin(9 * y)


def cosines(m, frequencies):
    return scipy.fft.idct(np.eye(m)[:, frequencies], axis=0, norm="ortho")


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_largest_coefficients_are_kept(library, axis, dtype):
    A = smooth().astype(dtype)
    found = dct_basis(library.asarray(A), 6, axis=axis)
    sizes = np.linalg.norm(scipy.fft.dct(A, axis=axis, norm="ortho"), axis=1 - axis)
    frequencies = library.to_numpy(found.frequencies)
    np.testing.assert_array_equal(np.sort(frequencies), np.sort(np.argsort(-sizes)[:6]))
    Q = cosines(A.shape[axis], frequencies)
    tiny = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(library.to_numpy(found.basis.todense()), Q, atol=tiny)
    expected = Q.T @ A if axis == 0 else A @ Q
    coefficients = library.to_numpy(found.coefficients)
    assert coefficients.dtype == dtype
    np.testing.assert_allclose(coefficients, expected, atol=100 * tiny)
    projected = Q @ expected if axis == 0 else expected @ Q.T
    np.testing.assert_allclose(
        library.to_numpy(found.project(library.asarray(A))), projected, atol=100 * tiny
    )
    error = np.linalg.norm(A - projected) / np.linalg.norm(A)
    np.testing.assert_allclose(found.error_estimate, error, rtol=1e-3)


@pytest.mark.parametrize("tol", [0.5, 1e-2, 1e-4])
@pytest.mark.parametrize("axis", [0, 1])
def test_tolerance_is_held_by_no_more_than_is_needed(tol, axis):
    A = smooth()
    found = dct_basis(A, tol=tol, axis=axis)
    assert np.linalg.norm(A - found.project(A)) <= tol * np.linalg.norm(A) * (1 + 1e-12)
    r = found.basis.shape[1]
    fewer = dct_basis(A, r - 1, axis=axis)
    assert fewer.error_estimate > tol


def test_containers():
    A = smooth(500, 30)
    for axis in (0, 1):
        expected = dct_basis(A, 5, axis=axis)
        for container in (RowBlocks(A, chunk=64), scipy.sparse.csr_array(A)):
            found = dct_basis(container, 5, axis=axis)
            np.testing.assert_array_equal(found.frequencies, expected.frequencies)
            np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-12)
    blocks = RowBlocks(A, chunk=64)
    assert dct_basis(blocks, 5, axis=1).passes == blocks.passes == 2


def test_rows_of_blocks_in_any_library(library):
    A = smooth(500, 30)
    found = dct_basis(RowBlocks(library.asarray(A), chunk=64), 5, axis=1)
    frequencies = library.to_numpy(found.frequencies)
    np.testing.assert_array_equal(frequencies, dct_basis(A, 5, axis=1).frequencies)


def test_extreme_scales_zero_and_empty():
    A = smooth()
    for scale in (1e-200, 1e200):
        found = dct_basis(A * scale, tol=1e-3)
        np.testing.assert_array_equal(found.frequencies, dct_basis(A, tol=1e-3).frequencies)
    found = dct_basis(np.zeros((6, 3)), tol=1e-3)
    assert found.basis.shape == (6, 0)
    assert found.error_estimate == 0
    assert dct_basis(np.ones((4, 0)), tol=0.1).coefficients.shape == (0, 0)
    assert dct_basis(A, 80).error_estimate == 0
    assert "6 of 80 cosines" in repr(dct_basis(A, 6))


def test_bad_input():
    A = smooth()
    with pytest.raises(ValueError, match="rank is 81 but A is 80x30"):
        dct_basis(A, 81)
    with pytest.raises(ValueError, match="axis is 2"):
        dct_basis(A, 5, axis=2)
    with pytest.raises(ValueError, match="either rank or tol"):
        dct_basis(A)
    with pytest.raises(ValueError, match="not negative"):
        dct_basis(A, tol=-1)
