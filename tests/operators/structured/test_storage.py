"""Learned maps in files."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.operators import (
    GreensFunction,
    MultigridOperator,
    RandomFeatureOperator,
    StructuredFit,
    fit_kronecker,
    fit_monarch,
    fit_toeplitz,
    fit_tucker_multiplier,
)

n = 16


@pytest.fixture
def pairs(rng):
    """Return forcings that vanish at the ends, and their solutions of -u'' = f."""
    A = 2 * np.eye(n - 2) - np.eye(n - 2, k=1) - np.eye(n - 2, k=-1)
    F = rng.standard_normal((20, n))
    F[:, [0, -1]] = 0
    U = np.zeros_like(F)
    U[:, 1:-1] = np.linalg.solve(A, F[:, 1:-1].T).T
    return F, U


def fits(F, U):
    tables = F.reshape(20, 4, 4), U.reshape(20, 4, 4)
    yield fit_toeplitz(F, U)
    yield fit_toeplitz(*tables)
    yield fit_monarch(F, U, 4, ridge=1e-2)
    yield fit_kronecker(*tables, ridge=1e-2)
    yield fit_kronecker(*tables, terms=2, ridge=1e-2)
    yield fit_tucker_multiplier(*tables, modes=1, ranks=2)


def test_fits(tmp_path, pairs):
    F, U = pairs
    for fit in fits(F, U):
        fit.save(tmp_path / "fit.npz")
        again = StructuredFit.load(tmp_path / "fit.npz")
        X = F.reshape(20, *fit.input_shape)
        assert np.array_equal(again.predict(X), fit.predict(X))
        assert repr(again) == repr(fit)


def learned(F, U):
    grid = Grid.uniform([(0, 1)], n)
    yield MultigridOperator().fit(F, U, grid=grid)
    yield GreensFunction(rank=8, structure="low rank").fit(F, U, grid=grid)
    solution = np.linalg.lstsq(F, U, rcond=None)[0]
    yield GreensFunction(rank=2, leaf=4).learn(lambda f: f @ solution, grid, weights=1.0)
    yield RandomFeatureOperator(features=8, folds=2).fit(F, U, grid=grid)


def test_learners(tmp_path, pairs):
    F, U = pairs
    for model in learned(F, U):
        model.save(tmp_path / "model.npz")
        again = type(model).load(tmp_path / "model.npz")
        assert np.array_equal(again.predict(F), model.predict(F))
        assert again.report() == model.report()


def test_what_is_no_such_file_is_refused(tmp_path, pairs):
    F, U = pairs
    path = tmp_path / "file.npz"
    fit_toeplitz(F, U).save(path)
    with pytest.raises(ValueError, match="holds no GreensFunction"):
        GreensFunction.load(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="holds no StructuredFit, or is damaged"):
        StructuredFit.load(path)
    with pytest.raises(OSError, match="missing"):
        StructuredFit.load(tmp_path / "missing.npz")
    model = RandomFeatureOperator(features=4, folds=2, activation=np.tanh).fit(F, U)
    with pytest.raises(TypeError, match="not functions"):
        model.save(path)
