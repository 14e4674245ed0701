"""Ports that tests give to programs are never ones that the kernel gives to a connection meanwhile."""

from __future__ import annotations

import socket
from collections import deque
from pathlib import Path

import pytest

from support import process

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_port_is_below_those_of_connections():
    low = int(EPHEMERAL.read_text().split()[0])
    assert max(process.free_port() for _ in range(200)) < low


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", process.free_port()))
        port = taken.getsockname()[1]
        monkeypatch.setattr(process, "_PORTS", (port, port + 2))
        monkeypatch.setattr(process, "_RECENT", deque())
        assert process.free_port() == port + 1


def test_no_two_programs_are_given_one_port_though_neither_listens_yet(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "_PORTS", (10_900, 10_904))
    monkeypatch.setattr(process, "_RECENT", deque())
    assert sorted(process.free_port() for _ in range(4)) == [10_900, 10_901, 10_902, 10_903]
