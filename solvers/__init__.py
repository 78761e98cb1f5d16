"""Solvers: iterative, direct, by Gaussian processes; the layer that learns their parameters."""

if __name__ != "structlin.solvers":
    raise ImportError("import structlin.solvers, not solvers")

from structlin.solvers._solution import Solution as Solution
from structlin.solvers.fast_sine import fast_sine as fast_sine
from structlin.solvers.gp import KroneckerGP as KroneckerGP
from structlin.solvers.gp_pde import (
    Neumann as Neumann,
    Nonlinearity as Nonlinearity,
    collocation as collocation,
    gp_hm as gp_hm,
    solve_linear_pde as solve_linear_pde,
    solve_semilinear_pde as solve_semilinear_pde,
)
from structlin.solvers.heat import HeatEquation2D as HeatEquation2D, HeatRun as HeatRun
from structlin.solvers.krylov import cg as cg
from structlin.solvers.lattice import (
    DigitallyShiftInvariant as DigitallyShiftInvariant,
    DigitalNet as DigitalNet,
    Lattice as Lattice,
    LatticeGP as LatticeGP,
    ShiftInvariant as ShiftInvariant,
    construct_lattice as construct_lattice,
    integrate as integrate,
)
from structlin.solvers.learners import (
    ContextSpace as ContextSpace,
    Learner as Learner,
    Outcome as Outcome,
    Play as Play,
    TsallisINF as TsallisINF,
)
from structlin.solvers.learning import RelaxationLayer as RelaxationLayer
from structlin.solvers.relaxation import (
    jacobi_radius as jacobi_radius,
    omega_young as omega_young,
    sor as sor,
    sor_spectral_radius as sor_spectral_radius,
    ssor_cg as ssor_cg,
)
