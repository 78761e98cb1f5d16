"""Evolution in time: stiff equations in batches, and diffusion in its eigenbasis."""

from structlin.solvers.evolution.active_fluid import active_fluid as active_fluid
from structlin.solvers.evolution.eigen_space import EigenSpace as EigenSpace
from structlin.solvers.evolution.equation import SpectralEquation as SpectralEquation
from structlin.solvers.evolution.evolve import (
    Evolution as Evolution,
    evolve as evolve,
    step_limit as step_limit,
)
from structlin.solvers.evolution.fourier_space import FourierSpace as FourierSpace
from structlin.solvers.evolution.navier_stokes import navier_stokes as navier_stokes
from structlin.solvers.evolution.peaceman_rachford import PeacemanRachford as PeacemanRachford
from structlin.solvers.evolution.presets import (
    advection as advection,
    allen_cahn as allen_cahn,
    burgers as burgers,
    heat_equation as heat_equation,
    kuramoto_sivashinsky as kuramoto_sivashinsky,
)
