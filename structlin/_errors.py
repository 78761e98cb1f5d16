"""Warnings and errors that every wing shares."""


class ConvergenceWarning(UserWarning):
    """An iterative or adaptive method stopped before it reached what was asked of it."""


class ConvergenceError(ArithmeticError):
    """No answer of the accuracy asked for exists to return."""
