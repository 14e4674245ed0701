"""The frame of every page: one file with its style and its script, which the page's policy names by their hashes.

Light and dark as the browser asks for it. The script has two jobs: to show what `/.guildnet/status` says of a workspace
for as long as the page is open, and to load the page again when there is something else to see. Without it the page is
whole: it says what it knew, and its link loads it again.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from guildnet_proxy.http.forward import Answer

_STYLE: Final = (
    ":root{color-scheme:light dark;--ink:#1f2933;--paper:#f7f9fb;--soft:#56677a;--line:#d5dee7;--box:#e8edf2;"
    "--accent:#0b6e5f;--on:#fff}@media(prefers-color-scheme:dark){:root{--ink:#dbe4ed;--paper:#14191f;--soft:#93a4b5;"
    "--line:#334155;--box:#26303b;--accent:#4fd1b5;--on:#10201c}}"
    "*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper)}"
    "main{max-width:46rem;margin:0 auto;padding:10vh 1.5rem 3rem}h1{font-size:1.4rem;margin:0 0 .75rem}"
    "p{margin:.6rem 0;overflow-wrap:anywhere}code,pre{background:var(--box);border-radius:4px;padding:.1rem .35rem}"
    "pre{white-space:pre-wrap;padding:.6rem .8rem}small,.soft{color:var(--soft)}"
    "table{border-collapse:collapse;width:100%;margin:1.2rem 0;font-size:.9rem}"
    "th,td{text-align:left;padding:.35rem .8rem .35rem 0;vertical-align:top;border-bottom:1px solid var(--line)}"
    "td:last-child{overflow-wrap:anywhere}th{font-weight:600}input{font:inherit;width:100%;padding:.45rem;color:inherit;"
    "background:var(--paper);border:1px solid var(--line);border-radius:4px}"
    ".does{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;margin:1.2rem 0}"
    "button,.button{font:inherit;padding:.45rem 1.1rem;border:0;border-radius:6px;background:var(--accent);"
    "color:var(--on);text-decoration:none;cursor:pointer;margin-top:.6rem}.does .button{margin:0}"
    "a{color:var(--accent)}a:focus-visible,button:focus-visible,input:focus-visible{outline:2px solid var(--accent);"
    "outline-offset:2px}[hidden]{display:none}"
)
_SCRIPT: Final = """\
(() => {
  const main = document.querySelector("main");
  const { status, code, again } = main.dataset;
  const reload = () => location.reload();
  if (again) setTimeout(reload, again * 1000);
  if (!status) return;
  const said = document.getElementById("said");
  const table = document.getElementById("conditions");
  const address = status + "?path=" + encodeURIComponent(location.pathname);
  let pause = 1000;
  const show = (conditions) => {
    table.hidden = !conditions.length;
    table.tBodies[0].replaceChildren(...conditions.map((one) => {
      const row = document.createElement("tr");
      for (const text of [one.type, one.status, one.reason, one.message]) {
        row.insertCell().textContent = text;
      }
      return row;
    }));
  };
  const look = async () => {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
      if ([401, 403, 404].includes(answer.status)) return reload();
      if (answer.ok) {
        const now = await answer.json();
        if (now.code !== code) return reload();
        said.textContent = now.message;
        show(now.conditions);
      }
    } catch {
      said.textContent = "There is no answer at the moment. This page goes on asking.";
    }
    pause = Math.min(pause * 1.3, 5000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
"""


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY: Final = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)


def page(
    status: int,
    title: str,
    content: str,
    *,
    frames: str = "'none'",
    extra: bytes = b"",
    data: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """`content` is HTML that its maker escaped; `frames` who may frame it.

    `data` is what the script is told: `status`, the address of a workspace's state, with `code`, what that is now; or
    `again`, the seconds until it loads the page again.
    """
    told = "".join(f' data-{name}="{escape(value, quote=True)}"' for name, value in data)
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main{told}><h1>{escape(title)}</h1>{content}</main>"
        f"<script>{_SCRIPT}</script>"
    ).encode()
    headers = (
        "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"Referrer-Policy: same-origin\r\nContent-Security-Policy: {_POLICY}; frame-ancestors {frames}\r\n"
    ).encode()
    return Answer(status, body, headers + extra)
