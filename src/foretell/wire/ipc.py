"""Tables as Arrow IPC streams."""

from __future__ import annotations

import pyarrow as pa

from foretell.errors import InvalidInput

ARROW = "application/vnd.apache.arrow.stream"


def read_arrow(body: bytes) -> pa.Table:
    """The table of a stream that somebody sent, down to the texts and offsets in it; InvalidInput if it is damaged."""
    try:
        with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
            table = reader.read_all()
        _ = table.column_names
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidInput("body", f"is no Arrow IPC stream: {str(error).splitlines()[0]}") from None


def write_arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
