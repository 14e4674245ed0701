"""The command line of GuildNet. It speaks HTTP to an install, and imports nothing of the services."""

VERSION = "0.1.0"
