"""Imputers: one algorithm, one file."""
