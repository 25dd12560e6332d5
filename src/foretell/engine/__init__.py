"""The one front door to every model: checks, cuts, runs, repairs, bounds."""

from foretell.engine.engine import Engine

__all__ = ["Engine"]
