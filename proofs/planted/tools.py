"""Faults of the local cluster's tool, its images, the tests that use it, and of the command line."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

TOOL: Final = "tools/src/guildnet_local"

PLANTS: Final = (
    Plant(
        "cycles",
        "`down` leaves an empty directory of a constant path",
        f"{TOOL}/down.py",
        "    _remove_tree(settings.run)\n    _remove_tree(settings.state)\n",
        "    _remove_tree(settings.run)\n    _remove_tree(settings.state)\n    settings.state.mkdir()\n",
        quick=True,
        cluster=True,
    ),
    Plant(
        "up-times",
        "`up` waits for a minute",
        f"{TOOL}/up.py",
        "        self._check_machine()\n        with held",
        "        self._check_machine()\n        time.sleep(60)\n        with held",
        quick=True,
        cluster=True,
    ),
    Plant(
        "image-sizes",
        "the Kubernetes client's models stay in the services' images",
        "services/Dockerfile",
        " ! -name __init__.py -delete",
        " ! -name __init__.py -empty -delete",
    ),
    Plant(
        "guest-tests",
        "the browser ring takes every Workspace away at its end",
        "tests/e2e/conftest.py",
        "        local.delete_workspace(name)\n",
        '        local.kubectl("-n", "guildnet-workspaces", "delete", "workspaces", "--all", "--cascade=foreground")\n',
        cluster=True,
    ),
    Plant(
        "own-cluster",
        "`make images` writes the sidecar's image where the chart does not look for it",
        f"{TOOL}/registry/values.py",
        '"tailscale": "tailnet"',
        '"tailscale": "tailscale"',
        cluster=True,
    ),
    Plant(
        "cli",
        "a conflict ends the command line as any failure does",
        "cli/src/guildnet_cli/client.py",
        "409: CONFLICT",
        "409: FAILED",
        cluster=True,
    ),
    Plant(
        "chart",
        "a Deployment has a field that Kubernetes does not know",
        "charts/guildnet/templates/operator/deployment.yaml",
        "  revisionHistoryLimit:",
        "  revisionHistoryLimits:",
    ),
    Plant(
        "docs",
        "the README applies an example that is not there",
        "README.md",
        "kubectl apply -f examples/code-server.yaml",
        "kubectl apply -f examples/vscode.yaml",
        quick=True,
        cluster=True,
    ),
    Plant(
        "cli-start",
        "the command line imports the Kubernetes client",
        "cli/src/guildnet_cli/__main__.py",
        "    from guildnet_cli.main import main as run\n",
        "    import kubernetes  # noqa: F401  the fault\n\n    from guildnet_cli.main import main as run\n",
        cluster=True,
    ),
)
