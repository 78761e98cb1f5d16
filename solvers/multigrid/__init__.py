"""Geometric multigrid on grids."""

from structlin.solvers.multigrid.multigrid import Multigrid as Multigrid
from structlin.solvers.multigrid.multigrid_cg import multigrid_cg as multigrid_cg
