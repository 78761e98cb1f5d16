"""From arrays to small cores: unfoldings, the ranges of their columns, truncation."""
