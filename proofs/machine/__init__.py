"""What the local cluster leaves on the machine: names that are its own, and whatever was not there before."""
