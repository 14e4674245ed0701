"""Requests made up from an OpenAPI document, asked of a running api, and its answers compared with the document."""
