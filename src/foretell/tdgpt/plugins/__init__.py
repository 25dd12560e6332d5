"""Algorithms that others wrote for TDgpt, run unchanged: each file in a process of its own (protocol section 4)."""
