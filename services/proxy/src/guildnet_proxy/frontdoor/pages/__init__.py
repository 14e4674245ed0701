"""The answers that the proxy makes itself: JSON for programs, a self-contained page for a person."""

from guildnet_proxy.frontdoor.pages.answers import as_json, may_read, redirect
from guildnet_proxy.frontdoor.pages.asking import confirm, cookies_too_large
from guildnet_proxy.frontdoor.pages.document import page
from guildnet_proxy.frontdoor.pages.next_step import next_step
from guildnet_proxy.frontdoor.pages.refusals import STATUS, AppLogin, login, refusal

__all__ = [
    "STATUS",
    "AppLogin",
    "as_json",
    "confirm",
    "cookies_too_large",
    "login",
    "may_read",
    "next_step",
    "page",
    "redirect",
    "refusal",
]
