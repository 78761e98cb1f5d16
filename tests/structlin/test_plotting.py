"""Pictures show the numbers they were given, and say what is missing without matplotlib."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from structlin import plotting
from structlin.solvers.heat import HeatRun


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[object]:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def made_up_run(seed, steps=80):
    rng = np.random.default_rng(seed)
    return HeatRun(
        u=rng.random((4, 3)),
        time=steps * 0.1,
        dt=0.1,
        iterations=rng.integers(1, 9, steps),
        omegas=rng.uniform(1, 1.95, steps),
        seconds=rng.random(steps),
        converged=True,
        snapshots={0: rng.random((4, 3)), steps: rng.random((4, 3))},
    )


@pytest.fixture
def runs():
    return {"CG": made_up_run(0), "fixed": made_up_run(1), "learned": made_up_run(2)}


def test_temperature_has_x_to_the_right_and_a_cold_boundary():
    u = np.arange(1.0, 13).reshape(4, 3)
    image = plotting.temperature(u, label="t = 1")
    pixels = np.asarray(image.get_array())
    np.testing.assert_array_equal(pixels[1:-1, 1:-1].T, u)
    assert pixels.sum() == u.sum()
    assert image.norm.vmax == 12
    # the centre of a pixel is its grid point: x_1 = 1/5, y_1 = 1/4
    left, right, bottom, top = image.get_extent()
    assert left + (right - left) * 1.5 / 6 == pytest.approx(1 / 5)
    assert bottom + (top - bottom) * 1.5 / 5 == pytest.approx(1 / 4)


def test_temperature_of_zero_everywhere_can_be_drawn(pyplot):
    image = plotting.temperature(np.zeros((2, 2)))
    image.figure.savefig("/dev/null", format="png")


def test_negative_temperatures_are_on_the_scale(pyplot, runs):
    below = np.array([[-3.0, -1.0], [0.0, 2.0]])
    assert plotting.temperature(below).get_clim() == (-3, 2)
    assert plotting.temperature(-np.ones((2, 2))).get_clim() == (-1, 0)
    runs["learned"].snapshots[0][1, 2] = -0.5
    figure = plotting.heat_story(runs, "learned")
    images = figure.findobj(AxesImage)
    assert len(images) == 2
    assert {image.norm.vmin for image in images} == {-0.5}
    colors = images[0].cmap(images[0].norm([-0.5, -0.1, 0.0]))
    assert len(np.unique(colors, axis=0)) == 3
    assert ("temperature", -0.5) in {
        (ax.get_ylabel(), ax.get_ylim()[0]) for ax in figure.findobj(Axes)
    }


def test_iterations_add_up(runs):
    lines = plotting.iterations(runs, highlight="learned")
    assert [line.get_label() for line in lines] == list(runs)
    for line, run in zip(lines, runs.values(), strict=True):
        assert line.get_xydata()[0].tolist() == [0, 0]
        assert line.get_xydata()[-1] == pytest.approx([run.time, run.iterations.sum() / 1000])
    assert max(lines, key=lambda line: line.get_linewidth()).get_label() == "learned"
    assert len({line.get_color() for line in lines}) == 3


def test_names_of_lines_that_end_together_do_not_overlap(runs):
    lines = plotting.iterations({name: made_up_run(0) for name in "abcd"})
    heights = sorted(text.xy[1] for text in lines[0].axes.texts)
    assert np.diff(heights).min() > 0.05 * lines[0].axes.get_ylim()[1]


def test_omegas_and_their_moving_average(runs):
    run = runs["learned"]
    played = plotting.omegas(run, window=10, fixed={"best": 1.4})
    assert np.asarray(played.get_offsets())[:, 1].tolist() == run.omegas.tolist()
    average, fixed = played.axes.lines
    assert average.get_ydata()[0] == pytest.approx(run.omegas[:10].mean())
    assert average.get_ydata()[-1] == pytest.approx(run.omegas[-10:].mean())
    assert fixed.get_ydata()[0] == 1.4


@pytest.mark.parametrize("steps", [0, 1])
def test_short_runs_can_be_drawn(steps):
    run = made_up_run(0, steps)
    plotting.omegas(run)
    plotting.iterations({"run": run})


def test_artists_go_where_they_are_told(pyplot, runs):
    _, (left, right) = pyplot.subplots(1, 2)
    assert plotting.temperature(np.ones((3, 3)), left).axes is left
    assert plotting.omegas(runs["learned"], right).axes is right
    assert plotting.shade(abs, right).axes is right
    assert len(pyplot.get_fignums()) == 1


def test_shading_is_as_dark_as_the_value(pyplot):
    _, ax = pyplot.subplots()
    ax.plot([0, 2], [5, 6])
    limits = ax.get_xlim(), ax.get_ylim()
    mesh = plotting.shade(lambda t: abs(t), ax, points=4)
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    assert np.asarray(mesh.get_array()).ravel() == pytest.approx([0.175, 0.725, 1.275, 1.825])


def test_heat_story_is_one_figure(pyplot, runs, tmp_path):
    figure = plotting.heat_story(
        runs, "learned", fixed={"best": 1.4}, conductivity=lambda t: 1 + np.sin(t)
    )
    figure.savefig(tmp_path / "story.png")
    assert (tmp_path / "story.png").stat().st_size > 10_000
    labels = {ax.get_ylabel() for ax in figure.findobj(Axes)}
    assert {"temperature", "relaxation parameter ω", "iterations so far (thousands)"} <= labels
    assert len(pyplot.get_fignums()) == 1


def test_heat_story_without_snapshots():
    run = made_up_run(0)
    run.snapshots.clear()
    assert len(plotting.heat_story({"learned": run}, "learned").axes) == 2


def test_pictures_that_would_show_nothing_are_refused(pyplot, runs):
    runs["CG"].omegas[:] = np.nan
    with pytest.raises(ValueError, match="this run has no ω"):
        plotting.heat_story(runs, "CG")
    with pytest.raises(ValueError, match="this run has no ω"):
        plotting.omegas(runs["CG"])
    with pytest.raises(ValueError, match="no run 'cg': choose one of 'CG', 'fixed', 'learned'"):
        plotting.heat_story(runs, "cg")
    runs["fixed"] = made_up_run(1, steps=81)
    for draw in (plotting.iterations, lambda runs: plotting.heat_story(runs, "learned")):
        with pytest.raises(ValueError, match="'CG' has 80, 'fixed' has 81, 'learned' has 80"):
            draw(runs)
    assert not pyplot.get_fignums()


def test_missing_matplotlib_is_named(monkeypatch, runs):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (plotting.iterations, lambda runs: plotting.heat_story(runs, "learned")):
        with pytest.raises(ImportError, match=r"pip install 'structlin\[plot\]'"):
            draw(runs)
