"""The only place that talks to Kubernetes: client, paths, refusals mapped to ours, reflector."""

from guildnet.kube.client import Client, Json, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import Resource, path

__all__ = ["Change", "Client", "Json", "Reflector", "Resource", "connect", "path"]
