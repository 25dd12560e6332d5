"""What a browser sees at `/`: the state of the node, its algorithms, and where else to look. No script, no request."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib import metadata
from itertools import groupby

from foretell.tdgpt.node import Node
from foretell.wire.masking import mask
from foretell.wire.tdgpt_answers import TYPES

LINKS = (
    ("status", "what TDengine asks for SHOW ANODES"),
    ("list", "what TDengine reads at CREATE ANODE and UPDATE ANODE"),
    ("models", "where each name comes from, what it hides, what could not be loaded"),
    ("console", "SQL with tables and pictures, where the server keeps a database"),
    ("schema", "our own HTTP interface"),
    ("metrics", "figures for Prometheus"),
)
"""Relative, so that a secret in the path stays in it."""
STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid #8884; padding: .25rem .6rem .25rem 0 }
td:first-child { white-space: nowrap; font-family: ui-monospace, monospace }
h2 { margin: 1.6rem 0 .4rem; font-size: 1.1rem }
"""


def page(node: Node) -> bytes:
    version = metadata.version("foretell")
    kinds = groupby(node.catalogue.winners(), key=lambda offer: offer.kind)
    tables = [_table(TYPES[kind], ((o.name, o.description, o.source) for o in offers)) for kind, offers in kinds]
    broken = _table("could not be loaded", node.catalogue.broken.items()) if node.catalogue.broken else ""
    links = "".join(f'<tr><td><a href="{path}">/{path}</a><td>{text}' for path, text in LINKS)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>foretell {version}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>foretell analytics node</h1><p>Version {version}, ready.
<table>{links}</table>
{"".join(tables)}{broken}
""".encode()


def _table(title: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = "".join("<tr>" + "".join(f"<td>{escape(mask(cell))}" for cell in row) for row in rows)
    return f"<h2>{escape(title)}</h2><table>{lines}</table>\n"
