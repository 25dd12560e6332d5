"""Size of the network, as config.json holds it."""

from dataclasses import dataclass

LEVELS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.995)
"""Quantile levels that the network gives, ascending, the median in the middle."""
SHORT = 64
"""Points of the longest context that is short."""
GLIDE = 8
"""Steps at the start of a horizon patch over which weights and widths pass from its neighbour's to its own."""


@dataclass(frozen=True)
class Shape:
    """One sentence each: all sizes of the transformer."""

    width: int = 128
    """Width D of a token."""
    depth: int = 3
    """Number of blocks."""
    heads: int = 4
    """Attention heads per block; divides the width."""
    inner: int = 384
    """Width inside the feed-forward part."""
    levels: tuple[float, ...] = LEVELS
    """Quantile levels."""
    widening: tuple[float, float] = (1.0, 1.0)
    """Factors on all distances from the median for short and longer contexts, set after training by real series."""

    def width_of(self, context: int) -> float:
        """The factor for a context of so many points."""
        return self.widening[context > SHORT]
