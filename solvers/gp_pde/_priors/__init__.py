"""Priors of solutions: spectral lines, or a series without knowledge of the spectrum."""
