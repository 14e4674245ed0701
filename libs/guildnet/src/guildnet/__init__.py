"""The contract between the GuildNet services."""
