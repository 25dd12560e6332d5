"""The door of TDengine's own clients: its REST interface and its WebSocket, over one embedded database.

It answers at paths of its own and asks for a login of its own, with users of the database; plain ASGI, no framework.
"""

from __future__ import annotations

from foretell.sql.taos.door import TaosDoor
from foretell.sql.taos.rest import result_json, user_of

__all__ = ["TaosDoor", "result_json", "user_of"]
