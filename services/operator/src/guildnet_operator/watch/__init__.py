"""Watch: the copies of the cluster that the operator reads, and what keeps them up to date."""
