"""A network namespace of the tests' own, processes in it, and connections into it."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from support.waiting import until

_CLONE_NEWNET = 0x40000000


class Namespace:
    """A network namespace with one address, from which nothing outside can be reached."""

    address = "10.99.0.1"

    def __init__(self, name: str, logs: Path) -> None:
        self.path = Path("/run/netns") / name
        self.name = name
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def make(self) -> None:
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for command in (
            "link set lo up",
            # tailscaled waits for a network as long as there is only loopback; both ends of the pair stay in here.
            "link add near type veth peer name far",
            f"address add {self.address}/24 dev near",
            "link set near up",
            "link set far up",
        ):
            subprocess.run(["nsenter", f"--net={self.path}", "ip", *command.split()], check=True)

    def remove(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)
        subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["nsenter", f"--net={self.path}", *argv],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def stop(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", f"--net={self.path}", *argv],
            env=None if env is None else dict(env),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def wait_until(self, condition: Callable[..., bool], what: str, seconds: float = 60) -> None:
        """Wait for `condition`. Raises AssertionError naming `what`, with the last lines of every log.

        It does so at once when a program has ended.
        """

        def met() -> bool:
            if condition():
                return True
            ended = [name for name, process in self._running.items() if process.poll() is not None]
            assert not ended, f"{what}: ended are {ended}"
            return False

        try:
            until(met, what, seconds=seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.tails()}") from problem

    def tails(self) -> str:
        parts = []
        for log in sorted(self._logs.glob("*.log")):
            parts += [f"---- {log.name}", *log.read_text(errors="replace").splitlines()[-15:]]
        return "\n".join(parts)

    def connect(self, port: int) -> socket.socket:
        """A TCP connection made inside, usable out here: a socket stays in the namespace it was made in."""
        made: list[socket.socket | OSError] = []

        def enter() -> None:
            with self.path.open() as handle:
                if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET) != 0:
                    made.append(OSError(ctypes.get_errno(), "setns"))
                    return
                try:
                    made.append(socket.create_connection((self.address, port), 30))
                except OSError as problem:
                    made.append(problem)

        # setns moves the calling thread alone, so this one is spent on it.
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]


@pytest.fixture(scope="module")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    if os.geteuid() != 0:
        pytest.skip("a network namespace of one's own needs root")
    made = Namespace(f"guildnet-test-{os.getpid()}", tmp_path_factory.mktemp("logs"))
    made.make()
    try:
        yield made
    finally:
        made.remove()
