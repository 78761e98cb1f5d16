"""Covariance functions, and their state-space forms."""

from structlin.covariance._covariance import Covariance as Covariance
from structlin.covariance.matern import Matern as Matern
