"""The servers behind the proxy: each writes a line of JSON for every request that it understood whole."""
