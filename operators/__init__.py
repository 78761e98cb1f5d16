"""The place of operator learning: maps between function spaces, learned from data (empty yet)."""

if __name__ != "structlin.operators":
    raise ImportError("import structlin.operators, not operators")
