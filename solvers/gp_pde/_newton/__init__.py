"""Newton's method for semilinear equations."""
