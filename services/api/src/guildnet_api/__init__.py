"""The GuildNet HTTP API: lists, launches, logs."""
