"""Operator learning: maps between function spaces, learned from data."""

if __name__ != "structlin.operators":
    raise ImportError("import structlin.operators, not operators")
