"""The local cluster and tailnet that GuildNet is developed and tested on."""
