"""What ``python -m structlin`` does: one file for each command."""
