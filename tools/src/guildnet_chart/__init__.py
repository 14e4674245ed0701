"""Writes the parts of the Helm chart that have their source elsewhere. It talks to no cluster."""
