"""Bases: grids and transforms."""

from structlin.bases.cosine import dct as dct
from structlin.bases.sine import dst as dst, dst1 as dst1
