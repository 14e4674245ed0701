"""The volume of a launch that says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.errors import Denied, GuildNetError, Unreachable
from guildnet.workspace import Storage
from guildnet_api.cluster.storage import KNOWN_SECONDS, DefaultStorage
from guildnet_api.settings import Settings

CLASS = {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
OTHER: dict[str, Any] = {"metadata": {}}


class Classes:
    """An API server with these storage classes, or with this failure."""

    def __init__(self, *items: dict[str, Any], fails: GuildNetError | None = None) -> None:
        self.items, self.fails, self.asked = list(items), fails, 0

    async def list(self, _resource: Any) -> dict[str, Any]:
        self.asked += 1
        if self.fails:
            raise self.fails
        return {"items": self.items}


def of(classes: Any, now: Any = lambda: 0.0, **settings: Any) -> DefaultStorage:
    given = {f"storage_{name}": value for name, value in settings.items()}
    return DefaultStorage(Settings(**given), classes, now)


@pytest.mark.parametrize(
    ("settings", "classes", "volume"),
    [
        pytest.param({}, Classes(CLASS), None, id="off where nobody says anything"),
        pytest.param({"default": "auto"}, Classes(OTHER, CLASS), Storage("10Gi"), id="a default class"),
        pytest.param({"default": "auto"}, Classes(OTHER), None, id="no default class"),
        pytest.param({"default": "auto"}, Classes(), None, id="no class"),
        pytest.param({"default": "auto"}, Classes(fails=Denied("no")), None, id="not allowed to look"),
        pytest.param({"default": "auto", "class": "fast"}, Classes(), Storage("10Gi", "fast"), id="a named class"),
        pytest.param({"default": "on"}, Classes(), Storage("10Gi"), id="whatever the cluster has"),
        pytest.param(
            {"default": "on", "size": "1Gi", "class": "fast", "mount_path": "/data"}, Classes(),
            Storage("1Gi", "fast", "/data"), id="as it is set",
        ),
    ],
)  # fmt: skip
async def test_a_launch_that_says_nothing(settings, classes, volume):
    assert await of(classes, **settings).get() == volume


async def test_where_nobody_knows_nothing_is_launched():
    with pytest.raises(Unreachable):
        await of(Classes(fails=Unreachable("down")), default="auto").get()


async def test_the_cluster_is_asked_once_a_minute():
    clock = [0.0]
    classes = Classes()
    storage = of(classes, lambda: clock[0], default="auto")
    assert await storage.get() is None
    classes.items.append(CLASS)
    clock[0] = KNOWN_SECONDS - 1
    assert await storage.get() is None
    clock[0] = KNOWN_SECONDS
    assert await storage.get() == Storage("10Gi")
    assert classes.asked == 2
