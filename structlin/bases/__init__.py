"""Bases: grids and transforms."""

from structlin.bases.sine import dst1 as dst1
