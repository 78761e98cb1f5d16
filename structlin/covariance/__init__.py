"""Covariance functions: derivatives, spectral densities, parameters and state-space forms."""

from structlin.covariance._covariance import (
    Covariance as Covariance,
    Product as Product,
    Sum as Sum,
)
from structlin.covariance.matern import Matern as Matern
from structlin.covariance.periodic import Periodic as Periodic
from structlin.covariance.rational_quadratic import RationalQuadratic as RationalQuadratic
from structlin.covariance.spectral_mixture import SpectralMixture as SpectralMixture
from structlin.covariance.squared_exponential import SquaredExponential as SquaredExponential
