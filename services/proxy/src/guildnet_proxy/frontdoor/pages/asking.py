"""Pages that ask a person before something is done in their browser, and do it for their own form alone."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from guildnet_proxy.frontdoor.pages.document import page
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.http.message.head import RequestHead

CLEAR = "/.guildnet/clear-cookies"


def confirm(subject: str, held: str, token: str, next_: str) -> Answer:
    """Asks the person who is logged in as `held`, if anybody, whether to become `subject`. Nobody can frame the page,
    and no other site's page can send its form."""
    now = f" You are logged in as <b>{escape(held)}</b>." if held else ""
    content = (
        f"<p>A link wants to log this browser in as <b>{escape(subject)}</b>.{now} What you do from then on "
        f"is done by that account. Go on only if the link is yours.</p>"
        f'<form action="/login" method="get"><input type="hidden" name="token" value="{escape(token, quote=True)}">'
        f'<input type="hidden" name="next" value="{escape(next_, quote=True)}"><button>Log in as '
        f'{escape(subject)}</button></form><p><a href="/">Do not log in</a></p>'
    )
    return page(200, "Log in to GuildNet?", content)


def cookies_too_large(head: RequestHead, error: Refusal, request_id: str) -> Answer:
    """The page for a browser that sends more than is read of a head: nothing but cookies grows so. It offers to clear
    them, and does so for its own form alone; `head` is what could be read."""
    asked = head.path == CLEAR.encode() and head.get(b"sec-fetch-site") == b"same-origin"
    if asked:
        content = '<p>The cookies are gone, and you are logged out.</p><p><a href="/">Go on</a></p>'
        cleared = b'Clear-Site-Data: "cookies"\r\n'
        answer = page(200, "Cookies are cleared", content, extra=cleared)
    else:
        content = (
            f"<p>{escape(error.message)} This browser has too many or too long cookies for this name; a page of a "
            f'workspace may have set them.</p><form action="{CLEAR}" method="get"><button>Clear the cookies of this '
            f"name and log out</button></form><p><small>431 · request {escape(request_id)}</small></p>"
        )
        answer = page(431, "Too many cookies", content)
    return replace(answer, close=True)
