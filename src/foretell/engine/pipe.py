"""Objects over a pipe between two processes, the data of their arrays copied by the kernel only.

A pickle with its buffers left out goes first, in the pipe's own framing, then the bytes of each buffer as they are;
they are read into the memory in which the arrays at the other end will lie.
"""

from __future__ import annotations

import os
import pickle
import sys
from multiprocessing.connection import Connection
from typing import Any

RAW = sys.platform != "win32"
"""Whether the ends of a pipe are plain file descriptors."""


def send(pipe: Connection, thing: Any) -> None:
    """Raises OSError (BrokenPipeError) where the other end is gone."""
    if not RAW:
        pipe.send(thing)
        return
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    pipe.send_bytes(pickle.dumps((head, [view.nbytes for view in views])))
    for view in views:
        while view.nbytes:
            view = view[os.write(pipe.fileno(), view) :]


def receive(pipe: Connection) -> Any:
    """What `send` sent. Raises EOFError where the other end closed, also half-way."""
    if not RAW:
        return pipe.recv()
    head, sizes = pickle.loads(pipe.recv_bytes())  # noqa: S301  from the process that we started
    buffers = [bytearray(size) for size in sizes]
    for buffer in buffers:
        view = memoryview(buffer)
        while view.nbytes:
            count = os.readv(pipe.fileno(), [view])
            if not count:
                raise EOFError
            view = view[count:]
    return pickle.loads(head, buffers=buffers)  # noqa: S301
