"""npm runs on the Node.js of the environment, whatever the machine has."""

from __future__ import annotations

import subprocess
from pathlib import Path

from guildnet_local.images.node import environment, node_version, npm


def test_the_node_that_is_started_is_the_pinned_one():
    node, script, *arguments = npm("run", "build")
    assert arguments == ["run", "build"]
    assert Path(script).is_file()
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"v{node_version()}"


def test_scripts_find_the_same_node_first():
    found = environment({"PATH": "/usr/bin", "HOME": "/home/ada"}, None)
    assert found["PATH"] == f"{Path(npm()[0]).parent}:/usr/bin"
    assert found["HOME"] == "/home/ada"


def test_authorities_are_those_of_the_machine_unless_the_caller_names_others():
    assert environment({}, Path("/etc/ca.pem"))["NODE_EXTRA_CA_CERTS"] == "/etc/ca.pem"
    assert environment({"NODE_EXTRA_CA_CERTS": "/own.pem"}, Path("/etc/ca.pem"))["NODE_EXTRA_CA_CERTS"] == "/own.pem"
    assert "NODE_EXTRA_CA_CERTS" not in environment({}, None)
