"""The Secret that a patch brings is removed where the patch was refused, and stays where that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.played_api import NAMESPACE, played_api, status

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
REFUSED = (422, status(422, "Invalid", "spec.image: Invalid value"))
NO_ANSWER = (0, b"")


@pytest.mark.parametrize(("answer", "removed"), [(REFUSED, True), (NO_ANSWER, False)], ids=["refused", "no answer"])
async def test_a_new_secret_goes_with_its_patch(tmp_path: Path, answer: tuple[int, bytes], removed: bool):
    api = played_api(tmp_path)
    api.workspace("w")
    api.cluster.refuse = lambda method, _: answer if method == "PATCH" else None
    assert (await api.ask("PATCH", "/api/servers/w", json={"env": {"TOKEN": "x"}})).status_code in (400, 503)
    assert ("POST", SECRETS) in api.cluster.requests
    assert (("DELETE", SECRETS) in api.cluster.requests) is removed
