"""The GuildNet operator: reconciles Workspaces."""
