"""What is known of the cluster: the watches and the index they fill."""
