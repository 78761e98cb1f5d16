"""Relaxation: stationary iterations, SSOR-CG, and what theory knows of them."""

from structlin.solvers.relaxation.sor import sor as sor
from structlin.solvers.relaxation.ssor_cg import ssor_cg as ssor_cg
from structlin.solvers.relaxation.theory import (
    jacobi_radius as jacobi_radius,
    omega_young as omega_young,
    sor_spectral_radius as sor_spectral_radius,
)
