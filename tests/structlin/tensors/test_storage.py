"""Functions come back from files, pickles and copies as they were."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from structlin.bases import Chebyshev, Fourier
from structlin.tensors import ChebTucker, Construction, TensorTrain
from tests.structlin.tensors.random_functions import problems


def same(f, g):
    assert f.bases == g.bases
    assert repr(f) == repr(g)
    assert repr(f.report) == repr(g.report)  # NaN is not equal to itself
    assert isinstance(f.core, TensorTrain) == isinstance(g.core, TensorTrain)
    cores = [each.cores if isinstance(each, TensorTrain) else (each,) for each in (f.core, g.core)]
    for a, b in zip((*cores[0], *f.factors), (*cores[1], *g.factors), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=15)
def test_files_pickles_and_copies(library, tmp_path, data):
    (f,), _ = data.draw(problems(library))
    if library.name != "numpy":
        with pytest.raises(TypeError, match="move core and factors to the host"):
            f.save(tmp_path / "f.npz")
        return
    f.save(tmp_path / "f")
    same(ChebTucker.load(tmp_path / "f"), f)
    same(pickle.loads(pickle.dumps(f)), f)
    same(copy.copy(f), f)
    deep = copy.deepcopy(f)
    same(deep, f)
    assert not np.shares_memory(deep.factors[0], f.factors[0])


def saved(path, **changes):
    """Write a small function; entries of its description are replaced."""
    report = Construction(method="m", tol=1e-9, converged=False, evaluations=7, seed=2**63)
    f = ChebTucker(np.ones((1, 1)), [np.ones((2, 1))] * 2, [(0, 3), Fourier(0, 1)], report=report)
    f.save(path)
    if changes:
        with np.load(path) as archive:
            arrays = dict(archive)
        about = json.loads(str(arrays["about"])) | changes
        with open(path, "wb") as file:
            np.savez(file, **(arrays | {"about": np.asarray(json.dumps(about))}))
    return f


def test_the_report_is_kept(tmp_path):
    f = saved(tmp_path / "f")
    assert dataclasses.replace(ChebTucker.load(tmp_path / "f").report, error_estimate=0.0) == (
        dataclasses.replace(f.report, error_estimate=0.0)
    )


def test_reports_with_numbers_of_numpy(tmp_path):
    report = Construction(method="test", tol=np.float32(0.25), converged=np.bool_(False))
    f = ChebTucker(np.ones(1), [np.ones((2, 1))], report=report)
    f.save(tmp_path / "f")
    g = ChebTucker.load(tmp_path / "f")
    assert g.report.tol == 0.25
    assert g.converged is False


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10**6)
    f = saved(path)
    same(ChebTucker.load(path), f)


def test_files_that_hold_no_function(tmp_path):
    path = tmp_path / "f"
    saved(path)
    whole = path.read_bytes()
    for part in (b"", whole[:100], whole[: len(whole) // 2], whole[:-30], b"text"):
        path.write_bytes(part)
        with pytest.raises(ValueError, match="holds no function, or is damaged"):
            ChebTucker.load(path)
    np.save(path.with_suffix(".npy"), np.ones(3))
    with pytest.raises(ValueError, match="holds no function"):
        ChebTucker.load(path.with_suffix(".npy"))
    np.savez(path.with_suffix(".npz"), np.ones(3))
    with pytest.raises(ValueError, match="holds no function"):
        ChebTucker.load(path.with_suffix(".npz"))
    with pytest.raises(FileNotFoundError):
        ChebTucker.load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2 of the format"),
        ({"bases": [["Hermite", 0, 1], ["Fourier", 0, 1]]}, "holds no function"),
        ({"bases": [["Chebyshev", 1, 0], ["Fourier", 0, 1]]}, "holds no function"),
        ({"report": {"tolerance": 1}}, "holds no function"),
        ({"format": "another"}, "holds no function"),
    ],
)
def test_files_of_another_kind(tmp_path, changes, message):
    saved(tmp_path / "f", **changes)
    with pytest.raises(ValueError, match=message):
        ChebTucker.load(tmp_path / "f")


def test_bases_of_others_are_refused(tmp_path):
    class Own(Chebyshev):
        pass

    f = ChebTucker(np.ones(1), [np.ones((2, 1))], [Own(0, 1)])
    with pytest.raises(TypeError, match="cannot be stored"):
        f.save(tmp_path / "f")
