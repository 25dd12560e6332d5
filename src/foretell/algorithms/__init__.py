"""Formulas: one algorithm, one file. A new file in one of the folders is found by the registry at once."""
