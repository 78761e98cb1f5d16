"""Collocation on an axis: barycentric differentiation and boundary rows."""
