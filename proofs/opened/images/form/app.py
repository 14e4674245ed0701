"""A page with a form under `Referrer-Policy: no-referrer`, as many frameworks set it, and a check against forgery.

The check is the one of such frameworks: the token of the cookie has to be in the form, and a browser that says which
page asks has to name this one, or nobody.
"""

import html
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SAVED = []
PAGE = """<!doctype html><title>form</title><p id="saved">{saved}</p><form method="post" action="save">
<input type="hidden" name="token" value="{token}"><input name="text" aria-label="text"><button>Save</button></form>
<script>
  document.querySelector("form").addEventListener("submit", () => {{ window.name = "submitted" }});
  fetch("save", {{ method: "POST", body: new URLSearchParams({{ token: "{token}", text: "" }}) }}).then((answer) => {{
    document.body.dataset.script = answer.status;
  }});
</script>
"""


class Form(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        token = self.token() or secrets.token_hex(16)
        page = PAGE.format(saved=html.escape(SAVED[-1] if SAVED else ""), token=token).encode()
        self.answer(200, page, ("Content-Type", "text/html"), ("Set-Cookie", f"csrf={token}; HttpOnly; Path=/"))

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        origin = self.headers.get("Origin", "null")
        foreign = origin != "null" and urlsplit(origin).netloc != self.headers["Host"]
        if foreign or given["token"] != [self.token()]:
            self.answer(403, b"forged")
            return
        if given["text"] != [""]:
            SAVED.append(given["text"][0])
            self.answer(303, b"", ("Location", "./"))
        else:
            self.answer(200, b"nothing to save")

    def token(self) -> str:
        morsel = SimpleCookie(self.headers.get("Cookie", "")).get("csrf")
        return morsel.value if morsel else ""

    def answer(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*fields, ("Referrer-Policy", "no-referrer"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 8080), Form).serve_forever()
