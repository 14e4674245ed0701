"""The certificate of a TLS listener of the proxy's own: a mounted Secret, taken again when it changes."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path
from typing import Final

from guildnet.errors import Invalid
from guildnet.telemetry import logger

LOOK_SECONDS: Final = 30.0
"""The kubelet brings a changed Secret within about a minute."""


class Certificate:
    """`tls.crt` and `tls.key` in a folder; `context` is for listeners. Raises Invalid where they are no pair.

    `clients` have to show a certificate of the authority in `ca.crt`, which is read once: with a changed one, the
    earlier would be trusted as well.
    """

    def __init__(self, folder: Path, what: str = "tailnet", *, clients: bool = False) -> None:
        self._what = what
        self._files = folder / "tls.crt", folder / "tls.key"
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.set_alpn_protocols(["http/1.1"])
        self._digest = b""
        try:
            self.look()
            if clients:
                self.context.load_verify_locations(folder / "ca.crt")
                self.context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"the {what} certificate in {folder} cannot be used: {error}") from None

    def look(self) -> bool:
        """Takes what is there now; False where it is the same. Connections that are open keep theirs."""
        digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in self._files)).digest()
        if digest == self._digest:
            return False
        # A pair that does not fit must not take the place of one that does.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*self._files)
        self.context.load_cert_chain(*self._files)
        self._digest = digest
        return True

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self.look():
                    logger.info("certificate taken", of=self._what)
            except (OSError, ssl.SSLError) as error:
                logger.error("certificate not taken; the earlier one stays", of=self._what, error=str(error))
