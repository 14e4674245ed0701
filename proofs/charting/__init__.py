"""What `show-chart` asks: valid objects in each version of Kubernetes, values with a comment and an effect."""
