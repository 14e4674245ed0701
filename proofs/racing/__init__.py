"""What `show-races` plays: an install of several api processes and an operator, and people who are too quick for it."""
