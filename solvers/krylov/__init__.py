"""Krylov methods."""

from structlin.solvers.krylov.cg import cg as cg
