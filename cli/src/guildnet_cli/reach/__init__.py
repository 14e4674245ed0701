"""Ways to an install and to its workspaces that are more than one HTTP request."""
