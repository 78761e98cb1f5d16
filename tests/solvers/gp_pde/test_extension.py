"""The Fourier extension: solutions without lines, on even and uneven nodes."""

from __future__ import annotations

import numpy as np
import pytest

from structlin.solvers.gp_pde import solve_linear_pde
from structlin.solvers.gp_pde._priors.extension import extension_features
from tests.solvers.gp_pde.problems import ACCEPTANCE, DEVELOPMENT

PROBLEMS = {**ACCEPTANCE, **DEVELOPMENT}


LONG = ["P1", "P2", "P3", "P4", "P5", "chirp", "double bump", "uneven nodes"]


@pytest.mark.parametrize(
    "name", ["bump", "slow chirp", *(pytest.param(n, marks=pytest.mark.slow) for n in LONG)]
)
def test_no_knowledge_of_the_spectrum_is_needed(name):
    problem = PROBLEMS[name]
    solution = solve_linear_pde(
        problem.grid, problem.terms, problem.rhs, problem.boundary, kernel="extension"
    )
    assert solution.report.route == "extension"
    assert problem.error(solution.mean(*problem.test_axes())) < 1e-4


def test_waves_decay_and_sum_to_the_size_asked_for():
    x = np.linspace(0, 2, 100)
    features = extension_features(x, decay=2.0, sd=3.0)
    assert np.sum(features.sds**2) == pytest.approx(9.0)
    slope = np.log(features.sds[40] / features.sds[20]) / np.log(2)
    assert slope == pytest.approx(-2.0)
    assert features.frequencies[-1] <= 0.8 * np.pi / (x[1] - x[0])
    period = 2 * np.pi / features.frequencies[1]
    assert period == pytest.approx(1.25 * 2)
    assert len(set(features.components.tolist())) == 1 + 1 + int(np.log2(len(features.sds) - 1))


@pytest.mark.filterwarnings("ignore:solve_linear_pde leaves")
@pytest.mark.parametrize("n", [2, 5])
def test_few_nodes_are_not_trusted_too_much(n):
    x = np.linspace(0, 1, n)
    solution = solve_linear_pde((x,), {(2,): 1.0}, 0.0, lambda x: 1 + x, kernel="extension")
    between = np.linspace(0, 1, 9)
    error = np.abs(solution.mean(between) - 1 - between)
    assert np.all(error <= 3 * solution.std(between) + 1e-14)
