"""Programs that the api is compared with: other ways to give a line to many, and to hold a connection."""
