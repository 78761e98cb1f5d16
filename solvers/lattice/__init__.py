"""Gaussian processes on lattices and digital nets: transforms instead of factorisations."""

from structlin.solvers.lattice.construction import construct_lattice as construct_lattice
from structlin.solvers.lattice.cubature import Integral as Integral, integrate as integrate
from structlin.solvers.lattice.digital_net import DigitalNet as DigitalNet
from structlin.solvers.lattice.digitally_shift_invariant import (
    DigitallyShiftInvariant as DigitallyShiftInvariant,
)
from structlin.solvers.lattice.lattice import Lattice as Lattice
from structlin.solvers.lattice.lattice_gp import (
    LatticeGP as LatticeGP,
    LatticeReport as LatticeReport,
)
from structlin.solvers.lattice.posterior import LatticePosterior as LatticePosterior
from structlin.solvers.lattice.shift_invariant import ShiftInvariant as ShiftInvariant
