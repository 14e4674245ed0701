"""A client and a UI of the first generation go on working: every request is answered as they expect.

Through a real proxy and a real api process on a real API server. The client's requests are replayed with the shapes
that it reads; the UI runs in Chromium, served through `UI_DEV_ORIGIN` under the control origin's own policy: it lists,
launches, follows a log by EventSource, changes the level, asks for a frame's address and shows the frame.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.older import browser, requests
from proofs.older.checks import Checks
from proofs.older.stage import staged
from support.apiserver import ApiServer
from support.shared import shared_apiserver


async def _checked(server: ApiServer, directory: Path) -> Checks:
    checks = Checks()
    async with staged(server, directory) as stage:
        await requests.replay(stage, checks)
        await browser.play(stage, checks, directory)
    return checks


def judged(checks: Checks) -> Figure:
    for complaint in checks.wrong:
        print(f"  NOT AS EXPECTED: {complaint}")
    good = len(checks.done) - len(checks.wrong)
    return Figure(
        f"{good} of {len(checks.done)} answered as the first generation expects", bool(good) and not checks.wrong
    )


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory) / "server") as server:
        with redirect_stdout(io.StringIO()):  # audit lines
            checks = asyncio.run(_checked(server, Path(directory)))
        return judged(checks)
