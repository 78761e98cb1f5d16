"""The published objective with mixture kernels: rows, grids, gradients."""
