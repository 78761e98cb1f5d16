"""Maps between function spaces learned by kernels."""
