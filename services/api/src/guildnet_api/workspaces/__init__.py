"""Between the API's JSON and a Workspace: launches and patches in, the list out. Pure."""
