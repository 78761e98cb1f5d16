"""Krylov methods, and Chebyshev's."""

from structlin.solvers.krylov.cg import cg as cg
from structlin.solvers.krylov.chebyshev_iteration import chebyshev_iteration as chebyshev_iteration
from structlin.solvers.krylov.chebyshev_preconditioner import (
    ChebyshevPreconditioner as ChebyshevPreconditioner,
)
from structlin.solvers.krylov.fgmres import fgmres as fgmres
from structlin.solvers.krylov.gmres import gmres as gmres
from structlin.solvers.krylov.interval import spectral_interval as spectral_interval
from structlin.solvers.krylov.minres import minres as minres
