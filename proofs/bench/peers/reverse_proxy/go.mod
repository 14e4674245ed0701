module guildnet.io/bench/reverseproxy

go 1.24
