"""Benchmark data sets of operator learning, made by the package's own solvers."""

from structlin.operators.datasets._data import OperatorData as OperatorData
from structlin.operators.datasets.advection import (
    advection_boxes as advection_boxes,
    advection_signs as advection_signs,
)
from structlin.operators.datasets.burgers import burgers as burgers
from structlin.operators.datasets.darcy import darcy as darcy
from structlin.operators.datasets.helmholtz import helmholtz as helmholtz
from structlin.operators.datasets.navier_stokes import navier_stokes as navier_stokes
