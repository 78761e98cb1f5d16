"""Reduced-order models: bases from snapshots, clusters of them, and cheap nonlinear terms."""
