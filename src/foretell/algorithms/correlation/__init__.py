"""Correlators: one algorithm, one file."""
