"""The proxies that are measured: guildnet and its peers, each started on a core of its own."""
