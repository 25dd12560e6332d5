"""Objects over a pipe: what plain pickling gives, into memory that may be written to."""

from __future__ import annotations

import os
import pickle
import threading
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from foretell.engine.pipe import receive, send


def through(thing: Any) -> Any:
    near, far = Pipe()
    with near, far:
        thread = threading.Thread(target=send, args=(near, thing))
        thread.start()
        made = receive(far)
        thread.join()
    return made


DTYPES = st.sampled_from(["f8", "i8", "?", "M8[ns]", "f4"])


@given(st.lists(arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)), max_size=4))
def test_it_is_what_pickling_gives(given: list[Any]) -> None:
    thing = {"arrays": given, "text": "x", "views": [a[..., ::-1] if a.ndim else a for a in given]}
    made, plain = through(thing), pickle.loads(pickle.dumps(thing))
    for key in ("arrays", "views"):
        for ours, theirs in zip(made[key], plain[key], strict=True):
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            assert ours.tobytes() == theirs.tobytes()
            assert ours.flags.writeable
    assert made["text"] == "x"


def test_more_than_the_pipe_holds() -> None:
    large = np.random.default_rng(1).random((300, 4001))
    made = through([large, large[:, 7]])
    assert np.array_equal(made[0], large)
    assert np.array_equal(made[1], large[:, 7])


def test_an_end_that_goes_half_way_is_an_eof() -> None:
    near, far = Pipe()
    near.send_bytes(pickle.dumps((b"", [1000])))
    os.write(near.fileno(), b"only this")
    near.close()
    with far, pytest.raises(EOFError):
        receive(far)
