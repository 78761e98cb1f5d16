"""Relaxation: stationary iterations, SSOR-CG, and what theory knows of them."""

from structlin.solvers.relaxation.block_coordinate_descent import (
    block_coordinate_descent as block_coordinate_descent,
)
from structlin.solvers.relaxation.bounds import (
    near_asymptotic_tau as near_asymptotic_tau,
    sor_energy_bound as sor_energy_bound,
    sor_iteration_bound as sor_iteration_bound,
    ssor_cg_iteration_bound as ssor_cg_iteration_bound,
)
from structlin.solvers.relaxation.jacobi import jacobi as jacobi
from structlin.solvers.relaxation.line_sor import line_sor as line_sor
from structlin.solvers.relaxation.sor import sor as sor
from structlin.solvers.relaxation.splitting import (
    SplittingNumbers as SplittingNumbers,
    splitting_numbers as splitting_numbers,
)
from structlin.solvers.relaxation.ssor_cg import ssor_cg as ssor_cg
from structlin.solvers.relaxation.theory import (
    jacobi_radius as jacobi_radius,
    omega_young as omega_young,
    sor_spectral_radius as sor_spectral_radius,
)
