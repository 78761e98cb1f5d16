"""Solvers of linear systems and of differential equations, and layers that learn or reduce them."""

if __name__ != "structlin.solvers":
    raise ImportError("import structlin.solvers, not solvers")

from structlin.solvers._solution import Solution as Solution
from structlin.solvers.elliptic import (
    ConvectionDiffusion as ConvectionDiffusion,
    LegendreGalerkin as LegendreGalerkin,
    LegendreModes as LegendreModes,
    Modes as Modes,
    Poisson as Poisson,
    Robin as Robin,
    UltrasphericalADI as UltrasphericalADI,
    helmholtz as helmholtz,
    poisson as poisson,
    screened as screened,
)
from structlin.solvers.evolution import (
    EigenSpace as EigenSpace,
    Evolution as Evolution,
    FourierSpace as FourierSpace,
    PeacemanRachford as PeacemanRachford,
    SpectralEquation as SpectralEquation,
    active_fluid as active_fluid,
    advection as advection,
    allen_cahn as allen_cahn,
    burgers as burgers,
    evolve as evolve,
    heat_equation as heat_equation,
    kuramoto_sivashinsky as kuramoto_sivashinsky,
    navier_stokes as navier_stokes,
    step_limit as step_limit,
)
from structlin.solvers.fast_sine import fast_sine as fast_sine
from structlin.solvers.fractional import (
    RieszCollocation as RieszCollocation,
    RieszDiffusion as RieszDiffusion,
    ToeplitzSymbol as ToeplitzSymbol,
    toeplitz_symbol as toeplitz_symbol,
)
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
from structlin.solvers.krylov import (
    ChebyshevPreconditioner as ChebyshevPreconditioner,
    cg as cg,
    chebyshev_iteration as chebyshev_iteration,
    fgmres as fgmres,
    gmres as gmres,
    minres as minres,
    spectral_interval as spectral_interval,
)
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
    ChebCB as ChebCB,
    Choice as Choice,
    ContextBinned as ContextBinned,
    ContextSpace as ContextSpace,
    GoldenSection as GoldenSection,
    Learner as Learner,
    Outcome as Outcome,
    Play as Play,
    QuadraticSurrogate as QuadraticSurrogate,
    RestartOnDrift as RestartOnDrift,
    SpectralLearner as SpectralLearner,
    ThompsonSampling as ThompsonSampling,
    TsallisINF as TsallisINF,
)
from structlin.solvers.learning import (
    IterationCounter as IterationCounter,
    RelaxationLayer as RelaxationLayer,
    SolverTuner as SolverTuner,
    TunedHierarchy as TunedHierarchy,
    TunedSolver as TunedSolver,
    amg_cg as amg_cg,
    ilu_cg as ilu_cg,
    scipy_solver as scipy_solver,
    solver_choices as solver_choices,
    solver_learner as solver_learner,
    ssor_preconditioner as ssor_preconditioner,
    tune as tune,
)
from structlin.solvers.multigrid import Multigrid as Multigrid, multigrid_cg as multigrid_cg
from structlin.solvers.reduced import (
    POD as POD,
    AdaptiveReducedModel as AdaptiveReducedModel,
    Clustering as Clustering,
    Cubature as Cubature,
    Efficiency as Efficiency,
    ErrorIndicator as ErrorIndicator,
    GappyPOD as GappyPOD,
    LocalBases as LocalBases,
    ReducedModel as ReducedModel,
    ReducedSolution as ReducedSolution,
    ReducedState as ReducedState,
    StreamingPOD as StreamingPOD,
    deim as deim,
    empirical_cubature as empirical_cubature,
    galerkin_cubature as galerkin_cubature,
    k_medoids as k_medoids,
    local_pod as local_pod,
    pod as pod,
    sine_dissimilarity as sine_dissimilarity,
)
from structlin.solvers.relaxation import (
    SplittingNumbers as SplittingNumbers,
    block_coordinate_descent as block_coordinate_descent,
    jacobi as jacobi,
    jacobi_radius as jacobi_radius,
    line_sor as line_sor,
    near_asymptotic_tau as near_asymptotic_tau,
    omega_young as omega_young,
    sor as sor,
    sor_energy_bound as sor_energy_bound,
    sor_iteration_bound as sor_iteration_bound,
    sor_spectral_radius as sor_spectral_radius,
    splitting_numbers as splitting_numbers,
    ssor_cg as ssor_cg,
    ssor_cg_iteration_bound as ssor_cg_iteration_bound,
)
from structlin.solvers.residuals import (
    Refinement as Refinement,
    refine as refine,
    residual_norm as residual_norm,
)
