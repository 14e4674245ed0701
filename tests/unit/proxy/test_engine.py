"""Which data path runs: the compiled one or its Python sources."""

from __future__ import annotations

import os

from guildnet_proxy.app import COMPILED


def test_the_data_path_is_the_one_that_this_run_is_for() -> None:
    assert bool(os.environ.get("GUILDNET_TEST_COMPILED")) == COMPILED
