"""Detectors: one algorithm, one file."""
