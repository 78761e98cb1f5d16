"""Elliptic equations on boxes: fast direct solvers, and iterations that they precondition."""

from structlin.solvers.elliptic.boundary import Robin as Robin
from structlin.solvers.elliptic.convection import ConvectionDiffusion as ConvectionDiffusion
from structlin.solvers.elliptic.helmholtz import helmholtz as helmholtz, screened as screened
from structlin.solvers.elliptic.legendre_galerkin import LegendreGalerkin as LegendreGalerkin
from structlin.solvers.elliptic.legendre_modes import LegendreModes as LegendreModes
from structlin.solvers.elliptic.modes import Modes as Modes
from structlin.solvers.elliptic.poisson import Poisson as Poisson, poisson as poisson
from structlin.solvers.elliptic.ultraspherical import UltrasphericalADI as UltrasphericalADI
