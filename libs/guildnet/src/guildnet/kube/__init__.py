"""The only place that talks to Kubernetes: client, paths, refusals mapped to ours, reflector."""
