"""Sums of products: columns along every axis, and their reduction to a small core."""
