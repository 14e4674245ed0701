"""Who is let in: whoever sends the token that GuildNet's proxy adds to every request it forwards, and nobody else.

Pods beside this one reach its port where the cluster's network plugin enforces no NetworkPolicy, and a Jupyter server
is a shell. Jupyter's own token would do, but JupyterLab writes that one into its page. Without
GUILDNET_WORKSPACE_TOKEN, as in a workspace that was started by an earlier version, nothing is asked.
"""

import hmac
import os

from jupyter_server.auth import IdentityProvider

TOKEN = os.environ.pop("GUILDNET_WORKSPACE_TOKEN", "")
HEADER = "X-Guildnet-Token"


class ProxyIdentityProvider(IdentityProvider):
    """The user of a request with the token; a cookie alone names a user and proves nothing."""

    def get_user(self, handler):
        if not hmac.compare_digest(handler.request.headers.get(HEADER, "").encode(), TOKEN.encode()):
            return None
        user = self.get_user_cookie(handler)
        if user is None:
            user = self.generate_anonymous_user(handler)
            self.set_login_cookie(handler, user)
        return user


if TOKEN:
    c = get_config()  # noqa: F821
    c.ServerApp.identity_provider_class = ProxyIdentityProvider
