"""One local Ray cluster for all tests of this folder that need one: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

WITHOUT = "needs Ray: pip install 'foretell[ray]'"


@pytest.fixture(scope="package")
def ray_address() -> Iterator[str]:
    """The address of a cluster that stays until the last test of the folder."""
    if find_spec("ray") is None:
        pytest.skip(WITHOUT)
    from foretell.engine.cluster import LOCAL, Cluster

    cluster = Cluster.join(LOCAL)
    yield LOCAL
    cluster.leave()
