"""HTTP of the api: server, middleware, parameters, event streams, the UI's files."""
