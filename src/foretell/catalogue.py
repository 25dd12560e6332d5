"""What `foretell models` prints: the registry, for people."""

from __future__ import annotations

from foretell.errors import UnknownName
from foretell.registry import Entry, registry
from foretell.render import aligned


def listing() -> str:
    """All models, one a line, and the packages that failed to load."""
    found = registry()
    rows = [("NAME", "KIND", "LICENCE", "DESCRIPTION")]
    rows += [(", ".join((e.name, *e.aliases)), e.kind, e.license, e.description) for e in found.entries()]
    broken = [f"could not load {target}: {reason}" for target, reason in found.broken.items()]
    return "\n".join([*aligned(rows), *broken])


def describe(name: str) -> str:
    """One model: limits and options."""
    found = registry()
    entries = found.named(name)
    if not entries:
        raise UnknownName("model", name, {e.name for e in found.entries()})
    return "\n\n".join(_page(entry) for entry in entries)


def _page(entry: Entry) -> str:
    limits = entry.limits
    lines = [
        f"{entry.name} ({entry.kind}, {entry.license})",
        f"  {entry.description}",
        f"  takes {limits.min_context} to {limits.max_context:,} points of a series",
    ]
    if entry.kind == "forecast":
        source = "its own, at any level" if limits.intervals else "conformal, from its errors in the context"
        lines += [f"  horizon up to {limits.max_horizon:,}", f"  intervals: {source}"]
    if (needed := entry.missing()) is not None:
        lines.append(f"  cannot run here: {needed}")
    if entry.aliases:
        lines.append(f"  also called {', '.join(entry.aliases)}")
    rows = [(f"  {key}", str(o.default), o.values(), o.doc) for key, o in entry.options.items()]
    return "\n".join(lines + (aligned([("  OPTION", "DEFAULT", "VALUES", "MEANING"), *rows]) if rows else []))
