"""The examples of the README run and say what is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """Run the Python blocks in one namespace, as a reader would, and return it."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        if "cupy" not in block:
            exec(compile(block, str(README), "exec"), found)
    return found


def test_kronecker(names):
    assert np.abs(names["K"] @ names["x"] - 1).max() < 1e-10
    assert abs(names["sign"]) == 1
    assert np.isfinite(names["logabsdet"])


def test_operators(names):
    assert names["info"] == 0
    dense = names["S"].todense()
    np.testing.assert_allclose(names["rows"].todense(), dense[2:5])


def test_structures(names):
    residual = names["T"] @ names["u"] - 1
    assert np.abs(residual).max() < 1e-10
    logdet = names["sl"].logdet(names["W"])
    np.testing.assert_allclose(logdet, np.log(5001), rtol=1e-12)
    inverse = names["sl"].inv(names["M"])
    assert inverse.shape == names["M"].shape


def test_projections(names):
    assert names["error"] < 1e-14
    assert names["off"] < 1e-14
    found = names["found"]
    difference = found.operator.todense() - names["G"]
    measured = np.linalg.norm(difference) / np.linalg.norm(names["G"])
    np.testing.assert_allclose(measured, found.relative_error)
    assert measured <= 1e-3
    assert found.operator.parameters < names["G"].size / 10


def test_sketching(names):
    X, y, fit, s = names["X"], names["y"], names["fit"], names["s"]
    best, *_ = np.linalg.lstsq(X, y, rcond=None)
    np.testing.assert_allclose(fit.x, best, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(names["same"].x, best, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(s, np.linalg.svd(X, compute_uv=False)[:5], rtol=1e-2)
    assert names["once"].passes == 1
    side = 2 - 2 * np.cos(np.pi * np.arange(1, 61) / 61)
    exact = np.log(side[:, None] + side + 0.1).sum()
    estimate = names["estimate"]
    assert abs(estimate.value - exact) < 4 * estimate.standard_error


def test_functions(names):
    f, g, steady = names["f"], names["g"], names["steady"]
    point = np.array([0.1, 0.2, 0.3])
    value = 1 / (1 + 25 * np.sum(point**2))
    slope = -50 * point[0] * value**2
    np.testing.assert_allclose(f(*point), value, rtol=1e-9)
    np.testing.assert_allclose(g(*point), np.exp(value) * slope + 2, rtol=1e-7)
    np.testing.assert_allclose(f.max(), 1, rtol=1e-9)
    equation = steady.laplacian() + f
    assert abs(equation(*point)) < 1e-5
    distances = np.linalg.norm(names["places"] - point, axis=1)
    exact = np.sum(names["charges"] / distances)
    np.testing.assert_allclose(names["potential"](*point), exact, atol=1e-6)
    truth = np.sin(1.8) * np.exp(0.7)
    assert abs(names["mean"][0] - truth) < 4 * names["std"][0] < 0.4


def test_suites_of_users(names):
    names["test_my_solver"]()


def test_solvers(names):
    assert names["solution"].converged
    assert abs(names["omega"] - 2 / (1 + np.sin(np.pi / 101))) < 1e-12
    assert names["layer"].history.solves == 50
    assert names["step"].failures == 0
    assert names["multigrid"].solve(np.ones(10_000)).iterations <= 20
    assert names["run"].converged


def test_differential_equations(names):
    grid, heated, few, spectral = (names[k] for k in ("grid", "heated", "few", "spectral"))
    np.testing.assert_allclose(heated[1:-1, -1], grid.axes[0][1:-1])  # what the side was given
    sides = [(0, 1), (0, lambda x, y: x)]
    residual = names["solver"].residual(heated, lambda x, y: np.exp(x * y), sides)
    assert abs(residual[1:-1, 1:-2]).max() < 1e-6 * 256**2
    wave = few.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
    np.testing.assert_allclose(spectral, wave, atol=1e-13)
    assert names["flow"].status == names["cooled"].status == "finished"
    first = names["bumps"].max() * np.exp(-2 * np.pi**2 * 0.1)  # as the first mode decays
    assert 0.5 * first < names["cooled"].u.max() < 1.1 * first
    assert names["riesz"].solution(np.ones(2**16 + 1)).iterations <= 15


def test_learned_operators(names):
    errors = names["relative_errors"](names["guess"], names["test"].outputs)
    assert np.mean(errors) < 0.01
    low, high = 0.3, 0.6
    exact = np.sinh(3 * low) * np.sinh(3 * (1 - high)) / (3 * np.sinh(3))
    assert abs(names["greens"](np.array([low]), np.array([high]))[0, 0] - exact) < 1e-4
    assert names["fitted"].held_out_error < 1e-6


def test_names_are_there():
    import structlin

    table = README.read_text(encoding="utf-8").split("## The structures")[1].split("## ")[0]
    names = re.findall(r"`(?:A @ )?([A-Za-z_]+)(?:\.nearest)?`", table)
    assert len(names) > 50
    for name in names:
        assert hasattr(structlin, name), name


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    missing = [link for link in links if not (README.parent / link).exists()]
    assert not missing
