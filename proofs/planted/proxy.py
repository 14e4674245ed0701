"""Faults of the proxy."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

PROXY: Final = "services/proxy/src/guildnet_proxy"

PLANTS: Final = (
    Plant(
        "csrf",
        "an Origin that begins like the own one is taken for it",
        f"{PROXY}/frontdoor/cross_origin.py",
        "        if origin == site.origin.encode() or _is_own_page(head):\n",
        "        if origin.startswith(site.origin.encode()) or _is_own_page(head):\n",
    ),
    Plant(
        "apps",
        "a page that sends no referrer is not its own",
        f"{PROXY}/frontdoor/cross_origin.py",
        "        if origin == own or _is_own_page(head):\n",
        "        if origin == own:\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "forgery",
        "an authenticating proxy's field is one like any other",
        f"{PROXY}/http/message/fields.py",
        'b"x-webauth-", b"remote-", b"impersonate-"',
        'b"x-webauth-", b"impersonate-"',
    ),
    Plant(
        "isolation",
        "nobody is asked whether they meant to log in",
        f"{PROXY}/frontdoor/own_routes.py",
        "        if not meant or (another and not answered):\n",
        "        if not meant and not token:\n",
        quick=True,
    ),
    Plant(
        "sessions",
        "what vouched for the caller of a session is asked about once",
        f"{PROXY}/auth/authenticate.py",
        "        if not token:\n            return known\n",
        "        if not token or session is not None:\n            return known\n",
        quick=True,
    ),
    Plant(
        "first-generation",
        "a UI may ask nothing but its own origin",
        "libs/guildnet/src/guildnet/web/security_headers.py",
        '            f"connect-src {asks}",\n',
        "            \"connect-src 'self'\",\n",
    ),
    Plant(
        "ssrf",
        "what an EndpointSlice says is believed",
        f"{PROXY}/frontdoor/egress.py",
        "                rule = never(ip_address(address), self._own, self._pods) or Rule.SERVICE\n",
        "                rule = Rule.SERVICE\n",
    ),
    Plant(
        "ssrf",
        "a name that was permitted is resolved again",
        f"{PROXY}/frontdoor/egress.py",
        "        return permitted[0]\n",
        "        return Permitted(host, permitted[0].rule, permitted[0].workspace)\n",
    ),
    Plant(
        "ssrf",
        "the nodes are not known",
        f"{PROXY}/cluster/own_addresses.py",
        "        return Rule.NEVER_NODE if address in self._nodes else None\n",
        "        return None\n",
    ),
    Plant(
        "proxy-speed",
        "no block of header fields is remembered",
        f"{PROXY}/http/message/head.py",
        "        again = self._sighted.get(number) is not None\n",
        "        again = False\n",
        gate="small/nginx",
    ),
    Plant(
        "real-path",
        "every request is thought about for 50 ms",
        f"{PROXY}/frontdoor/dispatch.py",
        "            known = head.block.slot\n            if known is not None:\n",
        '            __import__("time").sleep(0.05)\n'
        "            known = head.block.slot\n            if known is not None:\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "smuggling",
        "what is behind a body goes along with it",
        f"{PROXY}/http/message/body.py",
        "            data = data[: self.remaining]\n            size = self.remaining\n",
        "            size = self.remaining\n",
    ),
    Plant(
        "smuggling",
        "a claim of identity that is spelled with underscores is none",
        f"{PROXY}/http/message/fields.py",
        'plain = lower.replace(b"_", b"-").replace(b".", b"-")',
        'plain = lower.replace(b".", b"-")',
    ),
    Plant(
        "autobahn",
        "the extensions of a WebSocket are for one hop",
        f"{PROXY}/http/message/fields.py",
        'b"transfer-encoding", b"upgrade", b"http2-settings",\n',
        'b"transfer-encoding", b"upgrade", b"http2-settings", b"sec-websocket-extensions",\n',
    ),
    Plant(
        "autobahn",
        "a relay changes the last byte of a large read",
        f"{PROXY}/http/relay.py",
        "        self.other.transport.write(data)\n",
        "        self.other.transport.write(data if len(data) < 60000 else data[:-1] + b'?')\n",
    ),
    Plant(
        "abuse",
        "an answer of tiny chunks is taken apart in one go",
        f"{PROXY}/http/message/chunks.py",
        "if len(payload) * 10 < len(piece) * 9:",
        "if not piece:",
        quick=True,
        gate="stall",
    ),
    Plant(
        "soak",
        "something is kept of every request",
        "services/proxy/src/guildnet_proxy/access_log.py",
        "            self._metrics.add(record.entry, record.kind, record.status, seconds)\n",
        "            self._metrics.add(record.entry, record.kind, record.status, seconds)\n"
        "            self.__dict__.setdefault('kept', []).append(bytearray(2048))\n",
        quick=True,
    ),
    Plant(
        "rolling-restart",
        "a proxy that stops is ready",
        f"{PROXY}/http/server.py",
        '        if self.draining:\n            return "shutting down"\n',
        "",
        quick=True,
    ),
    Plant(
        "rolling-restart",
        "all WebSockets are told to leave in one moment",
        f"{PROXY}/http/server.py",
        "        ticks = max(1, int(seconds / _TICK_SECONDS))\n",
        "        ticks = max(1, int(seconds / 1000))\n",
        quick=True,
    ),
    Plant(
        "rolling-restart",
        "a WebSocket within a frame is closed there",
        f"{PROXY}/http/relay.py",
        "            upstream.leaving = True\n",
        "            self.close()\n",
        quick=True,
    ),
)
