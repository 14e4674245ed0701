"""Whether the front doors answer a browser on this host and one on the second tailnet device."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
import urllib.error
import urllib.request
from pathlib import Path

# The first request on the tailnet waits for its certificate.
REQUEST_SECONDS = 10.0


def front_door_answers(port: int) -> bool:
    """Whether the proxy answers through the relay: with a page or a refusal, but not with an error of its own."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/", headers={"Host": f"guildnet.localhost:{port}"}
    )  # fmt: skip
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=REQUEST_SECONDS):
            return True
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code < 500
    except OSError:
        return False


def tailnet_answers(port: int, host: str, ca: Path) -> bool:
    """Whether `https://host/` answers on the tailnet, with a certificate that `ca` vouches for.

    `port` is the SOCKS5 relay on this host; the name is resolved by the device behind it.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), REQUEST_SECONDS) as plain:
            _ask(plain, host, 443)
            trust = ssl.create_default_context(cafile=str(ca))
            with trust.wrap_socket(plain, server_hostname=host) as encrypted:
                encrypted.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = http.client.HTTPResponse(encrypted)
                answer.begin()
                return answer.status < 500
    except (OSError, http.client.HTTPException):
        return False


def _ask(connection: socket.socket, host: str, port: int) -> None:
    """The client's half of SOCKS5 (RFC 1928) without authentication. Raises OSError when it is refused."""
    connection.sendall(b"\x05\x01\x00")
    if _read(connection, 2) != b"\x05\x00":
        raise OSError("not a SOCKS5 server, or one that wants a password")
    name = host.encode()
    connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", port))
    head = _read(connection, 4)
    if head[1] != 0:
        raise OSError(f"SOCKS5 refusal {head[1]}")
    length = {1: 4, 4: 16}.get(head[3]) or _read(connection, 1)[0]
    _read(connection, length + 2)


def _read(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        more = connection.recv(count - len(content))
        if not more:
            raise OSError("closed in the middle")
        content += more
    return content
