"""`python -m support.signed_cli WORDS…`: the command line with the signature that the proxy would put on each request.

The environment says who asks: GUILDNET_TEST_IDENTITY (an `Identity`, pickled, base64) and GUILDNET_TEST_KEY (hex).
"""

from __future__ import annotations

import base64
import os
import pickle
import sys
import time
from typing import Any

from guildnet.identity import HEADER, Identity, sign
from guildnet_cli.client import Client
from guildnet_cli.main import main


def environment(identity: Identity, key: bytes) -> dict[str, str]:
    """What a caller of this program has to set."""
    return {
        "GUILDNET_TEST_IDENTITY": base64.b64encode(pickle.dumps(identity)).decode(),
        "GUILDNET_TEST_KEY": key.hex(),
    }


def run() -> int:
    send = Client._send
    identity: Identity = pickle.loads(base64.b64decode(os.environ["GUILDNET_TEST_IDENTITY"]))
    key = bytes.fromhex(os.environ["GUILDNET_TEST_KEY"])

    def signed(self: Client, connection: Any, method: str, target: str, body: Any, headers: Any) -> Any:
        signature = sign(identity, key, method=method, path=target.partition("?")[0], now=time.time())
        return send(self, connection, method, target, body, {**headers, HEADER: signature})

    Client._send = signed  # type: ignore[method-assign]
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
