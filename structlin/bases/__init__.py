"""Bases: grids, transforms, and families of functions on an interval."""

from structlin.bases._basis import Basis as Basis
from structlin.bases._chop import chop as chop
from structlin.bases.chebyshev import Chebyshev as Chebyshev
from structlin.bases.cosine import dct as dct
from structlin.bases.fourier import Fourier as Fourier
from structlin.bases.grid import Grid as Grid
from structlin.bases.legendre import (
    legendre_gauss as legendre_gauss,
    legendre_lobatto as legendre_lobatto,
)
from structlin.bases.sine import dst as dst, dst1 as dst1
