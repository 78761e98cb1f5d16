"""Gaussian processes on grids: Kronecker products of covariance matrices."""

from structlin.solvers._maximum_likelihood import Learning as Learning
from structlin.solvers.gp._conditioning import Report as Report
from structlin.solvers.gp.kronecker_gp import KroneckerGP as KroneckerGP, LeaveOneOut as LeaveOneOut
from structlin.solvers.gp.posterior import Posterior as Posterior
