"""Solvers that learn their parameters over a sequence of systems."""

from structlin.solvers.learning.pyamg_interface import (
    TunedHierarchy as TunedHierarchy,
    tune as tune,
)
from structlin.solvers.learning.relaxation_layer import RelaxationLayer as RelaxationLayer
from structlin.solvers.learning.scipy_interface import (
    IterationCounter as IterationCounter,
    scipy_solver as scipy_solver,
    ssor_preconditioner as ssor_preconditioner,
)
from structlin.solvers.learning.solver_choices import (
    amg_cg as amg_cg,
    ilu_cg as ilu_cg,
    solver_choices as solver_choices,
    solver_learner as solver_learner,
)
from structlin.solvers.learning.solver_tuner import SolverTuner as SolverTuner
from structlin.solvers.learning.tuned_solver import TunedSolver as TunedSolver
