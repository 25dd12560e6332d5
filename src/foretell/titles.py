"""Titles of pictures: names in any script, of any length, in the fonts that this machine has."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT = "DejaVu Sans"
"""Matplotlib's own font, which is always there."""
LAST_RESORT = "Last Resort"
"""A font of boxes that newer versions of matplotlib bring."""
UNKNOWN = "\u25a1"
INCH = 11
"""Characters of a title that an inch holds, roughly."""


def title(axes: Axes, name: str, width: float, below: str = "") -> None:
    """A name above axes that are `width` inches wide, and what is said of it on the next line."""
    most = int(width * INCH)
    half = most // 2
    short = name if len(name) <= most else f"{name[: half - 1]}…{name[-half:]}"
    fonts, shown = _fonts(" ".join(short.split()))
    text = f"{shown}\n{below}" if below else shown
    axes.set_title(text, fontsize=9, fontfamily=fonts, parse_math=False)


def _fonts(text: str) -> tuple[list[str], str]:
    """The fonts that have the characters of a text, and the text without those that no font has."""
    from matplotlib.font_manager import fontManager

    fonts = [DEFAULT]
    missing = {c for c in text if not c.isspace()} - _known(_path(DEFAULT))
    for font in fontManager.ttflist if missing else ():
        if not font.name.startswith(LAST_RESORT) and (found := missing & _known(font.fname)):
            fonts.append(font.name)
            missing -= found
    return fonts, "".join(UNKNOWN if c in missing else c for c in text)


def _path(name: str) -> str:
    from matplotlib.font_manager import findfont

    return str(findfont(name))


@cache
def _known(path: str) -> frozenset[str]:
    """The characters of a font."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # it has been removed since matplotlib looked, or cannot be read
        return frozenset()
