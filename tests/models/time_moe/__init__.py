"""Time-MoE: golden numbers, the plain twin, files, names."""
