"""Partial differential equations solved by conditioning Gaussian processes."""

from structlin.solvers.gp_pde._data.boundary import Neumann as Neumann
from structlin.solvers.gp_pde.collocation import (
    CollocationReport as CollocationReport,
    CollocationSolution as CollocationSolution,
    collocation as collocation,
)
from structlin.solvers.gp_pde.gp_hm import (
    GPHMReport as GPHMReport,
    GPHMSolution as GPHMSolution,
    gp_hm as gp_hm,
)
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity as Nonlinearity
from structlin.solvers.gp_pde.semilinear import (
    SemilinearReport as SemilinearReport,
    solve_semilinear_pde as solve_semilinear_pde,
)
from structlin.solvers.gp_pde.solution import PDEReport as PDEReport, PDESolution as PDESolution
from structlin.solvers.gp_pde.solve_linear_pde import solve_linear_pde as solve_linear_pde
