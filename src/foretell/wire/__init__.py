"""Encodings without a server: what doors and executors read and write."""
