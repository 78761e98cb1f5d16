"""What a data set is, and how samples are kept on disk."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.operators import datasets
from structlin.operators.datasets import OperatorData
from structlin.operators.datasets._cache import cache_folder, samples

# its name is that of a function in the package
burgers_file = importlib.import_module("structlin.operators.datasets.burgers")


def boxes(n, folder, rng=0):
    return datasets.advection_boxes(n, resolution=12, rng=rng, cache=folder)


def test_split_takes_the_first_and_the_last():
    data = boxes(10, False)
    train, test = data.split(6, 3)
    assert np.array_equal(train.inputs, data.inputs[:6])
    assert np.array_equal(test.outputs, data.outputs[7:])
    assert (len(train), len(test), len(data)) == (6, 3, 10)
    assert train.grid is data.grid
    assert train.parameters == {"resolution": 12, "n": 10, "rng": 0}
    assert [len(part) for part in data.split(8)] == [8, 2]
    for wrong in ((8, 3), (0, 3), (3, 0), (2.5, 1), (0.8,), (10,)):
        with pytest.raises(ValueError, match=r"overlap|whole number|leave a sample"):
            data.split(*wrong)


def test_samples_must_fit_their_grids():
    grid = Grid.uniform([(0, 1)], 4)
    with pytest.raises(ValueError, match=r"inputs have shape \(3, 5\) but their grid \(4,\)"):
        OperatorData(np.ones((3, 5)), np.ones((3, 4)), grid, grid, "odd")
    with pytest.raises(ValueError, match="3 inputs but 2 outputs"):
        OperatorData(np.ones((3, 4)), np.ones((2, 4)), grid, grid, "odd")


@pytest.mark.parametrize(
    "make",
    [
        lambda n, rng: datasets.burgers(n, resolution=32, rng=rng, cache=False),
        lambda n, rng: datasets.darcy(n, fine=29, rng=rng, cache=False),
        lambda n, rng: datasets.advection_boxes(n, rng=rng, cache=False),
        lambda n, rng: datasets.advection_signs(n, rng=rng, cache=False),
        lambda n, rng: datasets.helmholtz(n, resolution=21, rng=rng, cache=False),
        lambda n, rng: datasets.navier_stokes(n, resolution=40, rng=rng, cache=False),
    ],
    ids=["burgers", "darcy", "boxes", "signs", "helmholtz", "navier_stokes"],
)
def test_a_seed_decides_the_samples_and_its_first_ones_are_the_same(make):
    many, few, other = make(3, 4), make(2, np.random.default_rng(4)), make(2, 5)
    assert many.inputs.dtype == many.outputs.dtype == np.float64
    assert np.array_equal(many.inputs[:2], few.inputs)
    scale = np.max(np.abs(many.outputs))
    assert np.allclose(many.outputs[:2], few.outputs, rtol=0, atol=1e-8 * scale)
    assert not np.array_equal(few.inputs, other.inputs)
    assert np.all(np.isfinite(many.outputs))


def test_samples_are_read_again(tmp_path, monkeypatch):
    made = boxes(10, tmp_path)
    kept = list(tmp_path.iterdir())
    assert len(kept) == 1
    assert kept[0].suffix == ".npz"

    def never(*_):
        raise AssertionError("the samples are on disk")

    monkeypatch.setattr("structlin.operators.datasets._cache._make", never)
    again, fewer = boxes(10, tmp_path), boxes(4, tmp_path)
    assert np.array_equal(again.outputs, made.outputs)
    assert np.array_equal(fewer.inputs, made.inputs[:4])
    for more in (lambda: boxes(11, tmp_path), lambda: boxes(10, tmp_path, rng=1)):
        with pytest.raises(AssertionError, match="on disk"):
            more()


def test_more_samples_replace_fewer(tmp_path):
    boxes(4, tmp_path)
    more = boxes(9, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(boxes(9, tmp_path).inputs, more.inputs)


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    made = boxes(5, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert np.array_equal(boxes(5, tmp_path).inputs, made.inputs)
    assert file.read_bytes()[:200] == whole[:200]


def test_only_integer_seeds_are_kept(tmp_path):
    boxes(3, tmp_path, rng=np.random.default_rng(0))
    boxes(3, tmp_path, rng=None)
    assert list(tmp_path.iterdir()) == []
    boxes(3, tmp_path, rng=np.int64(3))
    assert len(list(tmp_path.iterdir())) == 1


def test_where_samples_are_kept_must_be_a_folder(tmp_path):
    for wrong in (None, 3):
        with pytest.raises(TypeError, match="pass True, False or a folder"):
            boxes(3, wrong)
    datasets.advection_boxes(3, resolution=np.int64(12), cache=tmp_path)
    boxes(3, tmp_path)  # the same ones
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="could not be kept"):
        made = boxes(3, tmp_path / "file")
    assert made.inputs.shape == (3, 12)


def test_nothing_is_left_of_a_run_that_was_cut(tmp_path):
    def cut(generator, count):
        yield np.ones((1, 2)), np.ones((1, 2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        samples("cut", 1, 2, {}, cut, rng=0, cache=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "structlin"
    boxes(3, True)
    assert len(list((tmp_path / "structlin").iterdir())) == 1
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "structlin")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "structlin"


def test_a_bar_is_shown_on_request(capsys):
    datasets.advection_boxes(3, cache=False, progress=True)
    assert "advection boxes" in capsys.readouterr().err
    datasets.advection_boxes(3, cache=False, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: datasets.burgers(0), "n is 0"),
        (lambda: datasets.burgers(2, viscosity=0.0), "viscosity is 0"),
        (lambda: datasets.burgers(2, viscosity=float("nan")), "viscosity is nan"),
        (lambda: datasets.burgers(2, resolution=100), "100 does not divide the nodes 1024"),
        (lambda: datasets.darcy(2, resolution=30), "29 does not divide fine − 1 = 420"),
        (lambda: datasets.darcy(2.5), "n is 2.5"),
        (lambda: datasets.helmholtz(2, resolution=2), "resolution is 2"),
        (lambda: datasets.navier_stokes(2, resolution=31), "resolution is 31"),
        (lambda: datasets.advection_signs(2, resolution=1), "resolution is 1"),
    ],
)
def test_arguments_are_checked(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
