"""What `show-csrf` sends: requests that pages of other sites can make a logged-in browser send."""
