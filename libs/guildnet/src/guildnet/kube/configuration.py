"""Where the API server is and who we are to it: a kubeconfig, or the pod's own account."""

from __future__ import annotations

from typing import Any

from guildnet.errors import Invalid


async def configuration(kubeconfig: str | None) -> Any:
    """The official client's configuration, with its credentials and their renewal.

    Raises Invalid where it cannot be read. Proxies are taken from the kubeconfig (`proxy-url`) and never from the
    environment.
    """
    # Importing the official client costs a third of a second and 55 MB: only a process that connects pays.
    from kubernetes.aio.client import Configuration

    configured = Configuration()
    configured.connection_pool_maxsize = 0  # no limit: a hundred log streams would block everything else
    configured.client_session_kwargs = {"trust_env": False}
    await _load(configured, kubeconfig)
    return configured


async def _load(configured: Any, kubeconfig: str | None) -> None:
    import kubernetes.aio.config

    config: Any = kubernetes.aio.config

    try:
        if kubeconfig:
            await config.load_kube_config(config_file=kubeconfig, client_configuration=configured, persist_config=False)
        else:
            config.load_incluster_config(client_configuration=configured)
    except Exception as error:
        # What a broken file raises depends on how it is broken.
        wanted = f"the kubeconfig {kubeconfig}" if kubeconfig else "the pod's service account (or set KUBECONFIG)"
        raise Invalid(f"no access to Kubernetes through {wanted}: {error}", code="bad_kubeconfig") from error
