"""Pictures show the numbers they were given, and say what is missing without matplotlib."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from structlin import plotting, sketching
from structlin.bases import Grid
from structlin.matrices import (
    Attempt,
    Butterfly,
    Compression,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Kronecker,
    KroneckerSum,
    LowRank,
    Monarch,
    Product,
    Sum,
    SumOfKroneckers,
    Toeplitz,
    Zero,
    compress,
)
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


# structured matrices


def drawn(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


PICTURES = {
    "dense": (Dense(drawn(9, 14)), 1, []),
    "Toeplitz": (Toeplitz(drawn(32)), 1, []),
    "Kronecker": (Kronecker(drawn(8, 8), drawn(8, 8)), 3, ["=", "⊗"]),
    "KroneckerSum": (KroneckerSum(drawn(4, 4), drawn(6, 6)), 3, ["=", "⊕"]),
    "Monarch": (Monarch(drawn(8, 8, 8), drawn(8, 8, 8)), 3, ["=", "·"]),
    "reverse Monarch": (Monarch(drawn(2, 3, 4), drawn(4, 2, 5)).T, 3, ["=", "·"]),
    "Butterfly": (Butterfly.nearest(drawn(16, 16)).operator, 5, ["=", "·", "·", "·"]),
    "LowRank": (LowRank(drawn(32, 3), drawn(20, 3)), 3, ["=", "·"]),
    "DPLR": (DiagonalPlusLowRank(drawn(9), drawn(9, 2)), 4, ["=", "+", "·"]),
    "sum": (Sum(Toeplitz(drawn(8)), Diagonal(drawn(8)), drawn(8, 8)), 4, ["=", "+", "+"]),
    "product": (Product(Diagonal(drawn(3)), drawn(3, 4)), 3, ["=", "·"]),
    "Kroneckers": (
        SumOfKroneckers(*[Kronecker(drawn(2, 2), drawn(3, 3))] * 2), 3, ["=", "+"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_a_structure_and_its_parts_are_drawn(name):
    A, count, signs = PICTURES[name]
    images = plotting.structure(A)
    ax = images[0].axes
    assert len(images) == count
    assert [text for text in texts_of(ax) if len(text) == 1] == signs
    np.testing.assert_array_equal(np.ma.filled(images[0].get_array(), 0), np.abs(A.todense()))
    # from left to right, without overlaps, within the axes, and centred on one line
    extents = np.array([image.get_extent() for image in images])
    edges = extents[:, :2].ravel()
    assert (np.diff(edges) > 0).all()
    assert ax.get_xlim()[0] < edges[0]
    assert edges[-1] < ax.get_xlim()[1]
    np.testing.assert_allclose(extents[:, 2], -extents[:, 3])
    # areas are those of the shapes, in one scale
    shapes = np.array([image.get_array().shape for image in images], dtype=float)
    np.testing.assert_allclose(
        [extents[:, 3] - extents[:, 2], extents[:, 1] - extents[:, 0]],
        np.sqrt(shapes.T / shapes.max()),
    )
    labels = [text for text in texts_of(ax) if "×" in text]
    assert labels == ["×".join(str(int(size)) for size in shape) for shape in shapes]
    caption = texts_of(ax)[-1]
    assert caption.startswith(f"{type(A).__name__}: {A.parameters:,} numbers stored")
    ax.figure.savefig("/dev/null", format="png")


@pytest.mark.parametrize(
    "name", ["Kronecker", "Monarch", "reverse Monarch", "Butterfly", "LowRank"]
)
def test_the_parts_make_the_matrix(name):
    A, _, signs = PICTURES[name]
    whole, *parts = [np.ma.filled(i.get_array(), 0) for i in plotting.structure(abs_of(A))]
    product = parts[0]
    for part in parts[1:]:
        product = np.kron(product, part) if "⊗" in signs else product @ part
    np.testing.assert_allclose(product, whole, atol=1e-12)


def abs_of(A):
    """Return an operator of the same structure without negative entries."""
    if isinstance(A, LowRank):
        return LowRank(abs(A.U.todense()), abs(A.V.todense()))
    if isinstance(A, Monarch):
        return Monarch(*map(abs, A.factors), reverse=A.reverse)
    if isinstance(A, Butterfly):
        return Butterfly(*(abs(F.values) for F in A.factors))
    return Kronecker(*(abs(F.todense()) for F in A.factors))


def test_zeros_are_white_and_numbers_that_are_not_finite_are_drawn():
    A = np.array([[0.0, 1.0], [np.inf, np.nan]])
    (image,) = plotting.structure(A)
    assert image.get_array().mask[0, 0]
    assert image.norm.vmax == 1
    (image,) = plotting.structure(Zero((3, 2)))
    assert image.get_array().mask.all()
    image.figure.savefig("/dev/null", format="png")


def test_a_structure_on_given_axes(pyplot):
    figure, (left, right) = pyplot.subplots(1, 2)
    images = plotting.structure(Kronecker(drawn(2, 2), drawn(3, 3)), right)
    assert {image.axes for image in images} == {right}
    assert not left.images
    assert len(figure.axes) == 2


def test_what_cannot_be_drawn(pyplot):
    wide = Product(np.ones((2, 3000)), np.ones((3000, 2)))
    for A in (np.zeros((0, 3)), Zero((3, 2049)), wide, LowRank(np.ones((3, 0)))):
        with pytest.raises(ValueError, match="cannot be drawn: it and its parts need 1 to 2048"):
            plotting.structure(A)
    import array_api_strict

    with pytest.raises(TypeError, match="on the host"):
        plotting.structure(array_api_strict.ones((2, 2)))
    with pytest.raises(ValueError, match="the table is empty"):
        plotting.compression([])
    assert not pyplot.get_fignums()


def green(n):
    T = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    return np.linalg.inv(np.kron(T, np.eye(n)) + np.kron(np.eye(n), T))


def test_compression_shows_what_was_tried():
    found = compress(green(8))
    points = plotting.compression(found)
    ax = points.axes
    eps = np.finfo(float).eps
    np.testing.assert_array_equal(
        points.get_offsets(),
        [(attempt.parameters, max(attempt.relative_error, eps)) for attempt in found.table],
    )
    sizes = points.get_sizes()
    assert found.table[int(np.argmax(sizes))].operator is found.operator
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_xlabel() == "numbers stored"
    (line,) = ax.lines
    assert line.get_ydata()[0] == found.tol
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == ["Kronecker 8x8 ⊗ 8x8, 6 terms"]


def test_names_do_not_run_into_each_other():
    rng = np.random.default_rng(1)
    found = compress(rng.standard_normal((64, 64)) + 40 * np.eye(64), tol=0.1)
    assert len(found.table) > 8
    points = plotting.compression(found)
    ax = points.axes
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) >= 4
    centres = ax.transData.transform(points.get_offsets())
    for i, box in enumerate(boxes):
        assert not any(map(box.overlaps, boxes[:i]))
        assert not any(box.contains(*centre) for centre in centres)


def test_only_what_none_beats_has_a_name():
    first = Diagonal(np.ones(2))
    table = [
        Attempt("cheap", 10, 1e-1, first),
        Attempt("beaten", 100, 2e-1, Diagonal(np.ones(2))),
        Attempt("exact", 1000, 0.0, Diagonal(np.ones(2))),
    ]
    points = plotting.compression(table)
    assert sorted(texts_of(points.axes)) == ["cheap", "exact"]
    assert not points.axes.lines
    assert points.get_offsets()[2, 1] == np.finfo(float).eps
    ax = plotting.compression(Compression(first, 1e-1, tuple(table), 0.5)).axes
    assert sorted(texts_of(ax)) == ["cheap", "exact", "tolerance"]


def test_singular_values_with_their_error():
    A = np.diag([4.0, 3.0, 2.0, 1.0])
    axes = Figure().subplots()
    result = sketching.svd(A, 2, rng=0)
    line = plotting.singular_values(result, axes, exact=np.array([4.0, 3.0, 2.0]))
    np.testing.assert_allclose(line.get_ydata(), [4, 3])
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "exact"
    assert plotting.singular_values(sketching.svd(np.zeros((3, 3)), 1)).axes is not axes
    assert plotting.singular_values(result, axes, color="red").get_color() == "red"
    with pytest.raises(TypeError, match="QB is no SVD"):
        plotting.singular_values(sketching.qb(A, 0.1))


def test_quality_of_sketches():
    S = sketching.SparseStack(80, 500, rng=0)
    Q = np.eye(500, 10)
    line = plotting.sketch_quality(S, Q)
    np.testing.assert_allclose(line.get_ydata(), np.linalg.svd(S @ Q, compute_uv=False))
    assert "SparseStack" in line.get_label()
    sparse = plotting.sketch_quality(S, scipy.sparse.csr_array(Q))
    np.testing.assert_array_equal(sparse.get_ydata(), line.get_ydata())


def test_convergence_of_estimates():
    A = np.diag(1.0 / np.arange(1, 101) ** 2) + 0.01
    runs = [sketching.trace(A, method="hutchinson", matvecs=k, rng=0) for k in (10, 40)]
    points, _, (bars,) = plotting.convergence(runs, exact=np.trace(A))
    values = np.asarray(points.get_ydata(), dtype=float)
    np.testing.assert_allclose(values, [run.value for run in runs])
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], [6 * run.standard_error for run in runs])
    with pytest.raises(ValueError, match="no estimates"):
        plotting.convergence([])


def test_an_exact_estimate_alone():
    exact = sketching.trace(np.eye(3))
    points, _, _ = plotting.convergence(exact)
    assert points.get_xydata().tolist() == [[0.0, 3.0]]
    points.figure.canvas.draw()


def test_spectral_density_with_its_error():
    values = np.linspace(0.0, 1.0, 300)
    found = sketching.spectral_density(np.diag(values), rng=0)
    axes = Figure().subplots()
    line = plotting.spectral_density(found, axes, exact=values, points=50)
    x, y = line.get_data()
    np.testing.assert_allclose(x, np.linspace(found.lower, found.upper, 50))
    np.testing.assert_allclose(y, found.density(x))
    (band,) = [one for one in axes.collections if "errors" in one.get_label()]
    top = band.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx((y + 3 * found.density_error(x)).max())
    assert sum(bar.get_width() * bar.get_height() for bar in axes.patches) == pytest.approx(1)


def test_bands_show_mean_data_and_truth():
    x = np.linspace(0, 1, 20)
    ax = Figure().subplots()
    line = plotting.bands(x, x, 0.1 + x, ax, observed=(x[:3], x[:3]), truth=2 * x)
    np.testing.assert_array_equal(line.get_ydata(), x)
    (area,) = ax.collections
    corners = area.get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(1 + 2 * 1.1)
    assert [text.get_text() for text in ax.get_legend().get_texts()][1:] == ["truth", "data"]
    with pytest.raises(ValueError, match="20, 20 and 3 entries"):
        plotting.bands(x, x, x[:3])
    with pytest.raises(ValueError, match="negative entries"):
        plotting.bands(x, x, -x)
    with pytest.raises(ValueError, match="truth has 3 entries"):
        plotting.bands(x, x, x, truth=x[:3])


def test_fields_show_mean_deviation_and_error():
    x, y = np.linspace(0, 1, 5), np.linspace(0, 2, 7)
    u = x[:, None] + y
    images = plotting.field(x, y, u, 0.1 + 0 * u, truth=u + 0.5)
    np.testing.assert_array_equal(images[0].get_array(), u.T)
    np.testing.assert_allclose(images[2].get_array(), 0.5)
    assert images[0].get_extent() == [0, 1, 0, 2]
    assert len(plotting.field(x, y, 0 * u, 0 * u)) == 2
    with pytest.raises(ValueError, match=r"std has shape \(7, 5\) but the nodes give \(5, 7\)"):
        plotting.field(x, y, u, u.T)


def test_spectral_lines_of_every_axis():
    stems = plotting.spectral_lines([([1.0, 2.0], [2.0, 1.0]), ([3.0], [0.0])])
    assert [len(s.get_segments()) for s in stems] == [2, 1]
    assert stems[0].get_segments()[1][1].tolist() == [2.0, 0.5]
    with pytest.raises(ValueError, match="axis 0 has 2 frequencies and 1 amplitudes"):
        plotting.spectral_lines([([1.0, 2.0], [1.0])])


class Recorded:
    """A layer of which every second solve is recorded."""

    class history:
        rounds = np.array([2, 4, 6, 8])
        losses = np.array([20.0, 30.0, 36.0, 42.0])


def test_regret_against_a_curve_a_number_and_an_array():
    fixed = np.full(8, 4.0)
    (line,) = plotting.regret({"learned": Recorded, "fixed": fixed}, reference="fixed")
    np.testing.assert_array_equal(line.get_xdata(), [0, 2, 4, 6, 8])
    np.testing.assert_array_equal(line.get_ydata(), [0, 12, 14, 12, 10])
    for reference in (4.0, fixed):
        (same,) = plotting.regret(Recorded, reference=reference)
        np.testing.assert_array_equal(same.get_ydata(), line.get_ydata())
    # alone: the last quarter costs 3 a solve
    (alone,) = plotting.regret(Recorded)
    np.testing.assert_array_equal(alone.get_ydata(), [0, 14, 18, 18, 18])


def test_regret_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="no solves yet"):
        plotting.regret(np.empty(0))
    with pytest.raises(ValueError, match="the curves are 'learned'; pass a mapping"):
        plotting.regret({"learned": Recorded}, reference="fixed")
    with pytest.raises(ValueError, match="no curve beside the reference"):
        plotting.regret({"learned": Recorded}, reference="learned")
    with pytest.raises(ValueError, match="the reference has 3 solves, but learned has 8"):
        plotting.regret({"learned": Recorded}, reference=np.ones(3))
    with pytest.raises(ValueError, match="NaN or Inf"):
        plotting.regret([1.0, np.nan])
    with pytest.raises(TypeError, match="mapping of names"):
        plotting.regret([Recorded, Recorded])
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        plotting.regret(np.ones((2, 2)))


def test_a_triptych_shows_the_error():
    x = np.linspace(0, 1, 30)
    places = Figure().subplots(1, 3)
    drawn = plotting.triptych(x, x**2, x**2 + 0.1, places, std=0.05 + 0 * x)
    np.testing.assert_allclose(drawn[2].get_ydata(), 0.1)
    assert len(places[2].collections) == 1  # the band
    table = np.outer(x, x)
    images = plotting.triptych(table, table, table - 0.1, Figure().subplots(1, 3))
    np.testing.assert_allclose(images[2].get_array(), -0.1)


def test_a_triptych_stands_on_its_grids():
    grid, plane = Grid(np.arange(5) - 2.0), Grid(np.arange(3) + 1.0, np.arange(4) / 2)
    places = Figure().subplots(1, 3)
    line, image, _ = plotting.triptych(
        np.ones(5), np.ones((3, 4)), np.ones((3, 4)), places, grid=grid, output_grid=plane
    )
    np.testing.assert_array_equal(line.get_xdata(), grid.axes[0])
    assert image.get_coordinates()[..., 0].min() == 0.5  # cells around the nodes


def test_curves_without_names():
    with pytest.raises(TypeError, match=r"pass \{'name': "):
        plotting.calibration((np.ones(3), np.ones(3)))


def test_calibration_of_normal_errors_is_the_diagonal():
    errors = np.random.default_rng(1).standard_normal(20_000)
    right, wide = plotting.calibration(
        {"right": (errors, 1 + 0 * errors), "wide": (errors, 3 + 0 * errors)}, Figure().subplots()
    )
    np.testing.assert_allclose(right.get_ydata(), right.get_xdata(), atol=0.02)
    assert np.all(wide.get_ydata() >= right.get_ydata())


def test_learning_curves_and_spectra_hold_their_numbers():
    (line,) = plotting.learning_curve({"a": ([1, 10], [0.5, 0.1])}, Figure().subplots())
    np.testing.assert_array_equal(line.get_ydata(), [0.5, 0.1])
    dots = plotting.spectrum([1j, -0.5], Figure().subplots(), residuals=[1e-8, 1.0])
    np.testing.assert_allclose(dots.get_offsets(), [[0, 1], [-0.5, 0]])
    np.testing.assert_allclose(dots.get_array(), [-8, 0])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda ax: plotting.triptych(np.ones(3), np.ones(3), np.ones(4), [ax] * 3), "true has"),
        (lambda ax: plotting.triptych(np.ones((2, 2, 2)), np.ones(3), np.ones(3), [ax] * 3), "one"),
        (lambda ax: plotting.triptych(np.ones(3), np.ones(3), np.ones(3), [ax]), "3 pictures"),
        (lambda ax: plotting.learning_curve({"a": ([1, 2], [1])}, ax), "two vectors"),
        (lambda ax: plotting.learning_curve({"a": [(1, 2)] * 3}, ax), "pass the pair"),
        (
            lambda ax: plotting.triptych(*np.ones((3, 4)), [ax] * 3, grid=Grid(np.arange(3))),
            "the grid",
        ),
        (lambda ax: plotting.learning_curve({"a": ([0, 2], [1, 1])}, ax), "not positive"),
        (lambda ax: plotting.calibration({"a": (np.ones(2), np.ones(3))}, ax), "2 errors and 3"),
        (lambda ax: plotting.calibration({"a": (np.ones(2), -np.ones(2))}, ax), "negative"),
        (lambda ax: plotting.spectrum(np.ones(2), ax, residuals=np.ones(3)), "3 residuals"),
    ],
)
def test_learned_maps_that_cannot_be_drawn(draw, message):
    with pytest.raises(ValueError, match=message):
        draw(Figure().subplots())
