"""Fractional diffusion, and the symbols of Toeplitz matrices."""
