"""Orthonormalisation: any rank, scale and library."""

import numpy as np
import pytest

from structlin.sketching._orth import orthonormalize, orthonormalize_against
from tests.structlin.sketching._spectra import DTYPES, defect, matrix, normal, roundoff


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(60, 8), (8, 8), (5, 9), (7, 1)])
def test_qr_of_a_block(library, rng, dtype, shape):
    Y = normal(rng, shape, dtype)
    Q, R = (library.to_numpy(part) for part in orthonormalize(library.asarray(Y)))
    assert Q.dtype == R.dtype == Y.dtype
    assert Q.shape == (shape[0], min(shape))
    assert defect(Q) < roundoff(dtype)
    np.testing.assert_allclose(Q @ R, Y, atol=10 * roundoff(dtype))
    assert np.allclose(np.tril(R, -1), 0)


@pytest.mark.parametrize("condition", [1e3, 1e7, 1e10, 1e15])
def test_ill_conditioned_blocks(library, rng, condition):
    Y = matrix(rng, 200, 10, np.geomspace(1, 1 / condition, 10))
    Q, R = (library.to_numpy(part) for part in orthonormalize(library.asarray(Y)))
    assert defect(Q) < 1e-13
    np.testing.assert_allclose(Q @ R, Y, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_columns_of_any_scale(library, rng, scale):
    Y = normal(rng, (50, 6)) * np.array([1.0, scale, 1.0, 1 / scale, 0.0, scale])
    Q, R = (library.to_numpy(part) for part in orthonormalize(library.asarray(Y)))
    assert defect(Q) < 1e-13
    unit = np.where(np.abs(Y).max(axis=0) > 0, np.abs(Y).max(axis=0), 1)
    np.testing.assert_allclose(Q @ (R / unit), Y / unit, atol=1e-13)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_deficient_blocks(library, rng, rank):
    Y = normal(rng, (40, rank)) @ normal(rng, (rank, 6))
    Q, R = (library.to_numpy(part) for part in orthonormalize(library.asarray(Y)))
    assert defect(Q) < 1e-13
    np.testing.assert_allclose(Q @ R, Y, atol=1e-13)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_blocks(library, shape):
    Q, R = orthonormalize(library.asarray(np.zeros(shape)))
    assert Q.shape == (shape[0], min(shape))
    assert R.shape == (min(shape), shape[1])


def test_nan_is_refused(library):
    with pytest.raises(ValueError, match="NaN or Inf"):
        orthonormalize(library.asarray(np.array([[1.0, np.nan], [0.0, 1.0]])))


@pytest.mark.parametrize(
    "kind", ["random", "inside", "zero", "nearly inside", "repeated", "some inside"]
)
def test_against_a_basis(library, rng, kind):
    basis = np.linalg.qr(normal(rng, (60, 12)))[0]
    Y = normal(rng, (60, 5))
    if kind == "inside":
        Y = basis @ normal(rng, (12, 5))
    elif kind == "nearly inside":
        Y = basis @ normal(rng, (12, 5)) + 1e-12 * Y
    elif kind == "zero":
        Y = 0 * Y
    elif kind == "repeated":
        Y[:, 1:] = Y[:, :1]
    elif kind == "some inside":  # what is new in the others must not go with their remainders
        Y[:, 0] = basis @ normal(rng, 12)
        Y[:, 2] = Y[:, 1]
    found = orthonormalize_against(library.asarray(basis), library.asarray(Y))
    Q, C, R = map(library.to_numpy, found)
    assert Q.shape == Y.shape
    np.testing.assert_allclose(basis @ C + Q @ R, Y, atol=1e-13)
    assert defect(np.concatenate((basis, Q), axis=1)) < 1e-13
    both = np.concatenate((basis, Q), axis=1)
    np.testing.assert_allclose(both @ (both.T @ Y), Y, atol=1e-12)


def test_a_basis_of_the_first_axes_is_filled_up(library):
    # Householder's fill of a zero block would repeat these very axes
    Q = library.to_numpy(
        orthonormalize_against(library.asarray(np.eye(9, 4)), library.asarray(np.zeros((9, 5))))[0]
    )
    assert defect(np.concatenate((np.eye(9, 4), Q), axis=1)) < 1e-13
