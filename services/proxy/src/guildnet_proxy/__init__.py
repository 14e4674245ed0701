"""The GuildNet front door: identity, origins, streaming reverse proxy."""
