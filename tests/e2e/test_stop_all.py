"""stop-all deletes what its caller may delete, and a Capability closes it."""

from __future__ import annotations

from collections.abc import Callable

from support.local import NAMESPACE, Local, workspace
from support.waiting import until

IMAGE = "guildnet/jupyterlab:0.1.0"
# Process 1 has no default for SIGTERM: without a handler its pod would last its whole grace period of 30 s.
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]


def test_stop_all_lists_in_a_dry_run_and_then_deletes(local: Local, fresh: Callable[[str], str]):
    names = {fresh("stop-one"), fresh("stop-two")}
    local.apply(*(workspace(name, IMAGE, command=SLEEP, probe={"type": "none"}) for name in names))
    for name in names:
        local.wait_ready(name)
    with local.api() as api:
        answer = api.post("/api/stop-all/", params={"dryRun": "true"})
        assert answer.status_code == 200, answer.text
        planned = answer.json()["deleted"]
        assert names <= set(planned)
        assert names <= set(
            local.kubectl("-n", NAMESPACE, "get", "ws", "-o", "name").replace("workspace.guildnet.io/", "").split()
        )
        answer = api.post("/api/admin/stop-all")
        assert answer.status_code == 200, answer.text
        assert names <= set(answer.json()["deleted"])
    for name in names:
        until(
            lambda name=name: (
                local.try_kubectl(
                    "-n", NAMESPACE, "get", "deploy,svc,pod", "-l", f"guildnet.io/id={name}", "-o", "name"
                ).out
                == ""
            ),
            f"the children of {name} gone",
            seconds=60,
        )
