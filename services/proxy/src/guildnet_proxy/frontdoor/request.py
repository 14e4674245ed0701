"""Request: a request head with what is known about it before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass

from guildnet_proxy.http.forward import Record
from guildnet_proxy.http.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.sites import Listener, Site


@dataclass(frozen=True, slots=True)
class Request:
    """`listener` is where it arrived, `site` the origin it is for, `record` what will be logged about it."""

    head: RequestHead
    listener: Listener
    site: Site
    record: Record
    caller: Caller
