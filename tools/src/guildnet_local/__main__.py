"""`python -m guildnet_local`: see the `cli` module. Also the environment's commands `kubectl` and `helm`."""

import sys

from guildnet_local.cli import main


def kubectl() -> int:
    """kubectl on the local cluster, whatever the caller's own kubeconfig says."""
    return main(["kubectl", *sys.argv[1:]])


def helm() -> int:
    """Helm on the local cluster, likewise."""
    return main(["helm", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
