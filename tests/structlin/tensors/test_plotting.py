"""Pictures of functions show their values, coefficients, ranks and points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.figure import Figure

from structlin import plotting
from structlin.bases import Fourier
from structlin.plotting._isosurface import isosurface_triangles
from structlin.tensors import ChebTucker
from tests.structlin.tensors.sampled import sampled


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[object]:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture
def f():
    # 0 ≤ x ≤ 2, −1 ≤ y ≤ 1, 1 ≤ z ≤ 4
    return sampled(lambda x, y, z: x * x + y * z, [(0, 2), (-1, 1), (1, 4)], (3, 2, 2))


def test_slices_show_the_planes_through_a_point(f):
    images = plotting.slices(f, Figure().subplots(1, 3), at=(1.0, -0.5, 2.0), resolution=5)
    x, y, z = np.linspace(0, 2, 5), np.linspace(-1, 1, 5), np.linspace(1, 4, 5)
    expected = [
        x**2 + 2 * y[:, None],
        x**2 - 0.5 * z[:, None],
        1 + y * z[:, None],
    ]
    limits = set()
    for image, values in zip(images, expected, strict=True):
        np.testing.assert_allclose(image.get_array(), values, atol=1e-13)
        limits.add(image.get_clim())
    low, high = limits.pop()
    assert not limits  # one scale for all, with zero in its middle
    assert low == -high
    assert images[0].get_extent() == [0, 2, -1, 1]
    assert images[1].axes.get_title() == "y = -0.5"
    assert (images[2].axes.get_xlabel(), images[2].axes.get_ylabel()) == ("y", "z")


def test_slices_make_a_figure_of_their_own(f):
    assert len(plotting.slices(f, resolution=3)) == 3
    four = ChebTucker(np.ones((1,) * 4), [np.ones((2, 1))] * 4)
    images = plotting.slices(four, resolution=3)
    assert len(images) == 6
    assert images[-1].axes.get_xlabel() == "x2"
    assert images[0].axes.get_title() == "x2 = 0, x3 = 0"
    positive = sampled(lambda x, y: 1 + x * x * y * y, [(-1, 1)] * 2, (3, 3))
    (image,) = plotting.slices(positive, resolution=3)
    assert image.get_clim() == pytest.approx((1, 2))


def test_a_function_of_one_variable_is_a_curve():
    line = plotting.slices(sampled(np.exp, [(0, 1)], (17,)), resolution=11)
    np.testing.assert_allclose(line.get_ydata(), np.exp(np.linspace(0, 1, 11)), rtol=1e-12)


def test_coefficients_are_norms_of_slices():
    # T₂(x) (3 + 4 cos θ): norms 0, 0, 5 by degree, and 3, 4 by frequency
    core = np.ones((1, 1))
    f = ChebTucker(
        core, [np.eye(3)[:, 2:], np.array([[3.0], [4.0], [0.0]])], [(0, 1), Fourier(0, 1)]
    )
    first, second = plotting.coefficients(f, Figure().subplots())
    np.testing.assert_allclose(first.get_data(), [[2], [1]])
    np.testing.assert_allclose(second.get_data(), [[0, 1], [0.6, 0.8]])
    assert first.axes.get_yscale() == "log"
    assert first.axes.get_xlabel() == "degree or frequency"


def test_ranks_and_numbers_of_coefficients(f):
    wide, slim = plotting.ranks(f)
    assert [bar.get_height() for bar in wide] == [3, 2, 2]
    assert [bar.get_height() for bar in slim] == list(f.ranks)
    assert "numbers stored" in wide[0].axes.get_title()


def test_an_isosurface_is_closed_and_of_the_right_size():
    n = 41
    grids = [np.linspace(-1, 1, n)] * 3
    x, y, z = np.meshgrid(*grids, indexing="ij")
    triangles = isosurface_triangles(x * x + y * y + z * z, 0.49, grids)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]) / 2
    area = np.sum(np.linalg.norm(normals, axis=1))
    assert area == pytest.approx(4 * np.pi * 0.49, rel=5e-3)
    # the normals of a closed surface cancel, and its volume is a third of the flux of x;
    # they point to where the function is smaller, which is inside
    assert np.abs(np.sum(normals, axis=0)).max() < 1e-12
    flux = np.sum(normals * np.mean(triangles, axis=1))
    assert flux / 3 == pytest.approx(-4 / 3 * np.pi * 0.343, rel=1e-2)


def test_an_isosurface_of_a_plane_lies_in_it():
    f = sampled(lambda x, y, z: x + 2 * y - z, [(0, 1), (0, 2), (-1, 1)], (2, 2, 2))
    surface = plotting.isosurface(f, 1.5, resolution=7)
    grids = [np.linspace(*interval, 7) for interval in f.domain]
    triangles = isosurface_triangles(f.grid(*grids), 1.5, grids)
    np.testing.assert_allclose(triangles @ [1, 2, -1], 1.5, atol=1e-13)
    assert len(surface.get_facecolor()) == len(triangles)
    assert surface.axes.get_title() == "f = 1.5"
    middle = plotting.isosurface(f, ax=surface.axes, resolution=7)
    assert middle.axes.get_title() == "f = 2.5"


@pytest.mark.parametrize("d", [2, 3])
def test_sampling_points_are_those_of_the_builder(d):
    seen = []

    def f(*x):
        seen.append(np.broadcast(*x).size)
        return np.exp(-sum(t * t for t in x))

    points = plotting.sampling_points(f, [(0, 1)] * d, tol=1e-6, rng=0)
    shown = points._offsets3d if d == 3 else points.get_offsets().T
    assert len(shown[0]) == sum(seen)
    assert min(map(np.min, shown)) >= 0
    assert max(map(np.max, shown)) <= 1
    assert points.axes.get_title() == f"{sum(seen):,} values for tol = 1e-06"


def test_what_cannot_be_drawn(f, library):
    with pytest.raises(TypeError, match="is no ChebTucker"):
        plotting.slices(np.ones(3))
    with pytest.raises(TypeError, match="complex"):
        plotting.slices(ChebTucker(np.ones(1, dtype=complex), [np.ones((2, 1))]))
    with pytest.raises(ValueError, match="at has 2 coordinates"):
        plotting.slices(f, at=(0.0, 1.0))
    with pytest.raises(ValueError, match="outside"):
        plotting.slices(f, at=(0.0, 1.0, 7.0))
    with pytest.raises(ValueError, match="3 pictures need as many axes"):
        plotting.slices(f, Figure().subplots(1, 2))
    with pytest.raises(ValueError, match="the values go from -4 to 8"):
        plotting.isosurface(f, 9.0)
    with pytest.raises(ValueError, match="needs 3"):
        plotting.isosurface(sampled(lambda x, y: x * y, [(-1, 1)] * 2, (2, 2)))
    with pytest.raises(ValueError, match="2 or 3 variables"):
        plotting.sampling_points(np.sin, [(0, 1)])
    if library.name != "numpy":
        g = sampled(lambda x: x, [(0, 1)], (2,), library)
        with pytest.raises(TypeError, match="on the host"):
            plotting.coefficients(g)
