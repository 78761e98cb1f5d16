"""Posteriors of solutions: conditioning, evidence, and checks."""
