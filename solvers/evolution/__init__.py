"""Equations that evolve in time, stepped in the eigenbasis of their linear part."""
