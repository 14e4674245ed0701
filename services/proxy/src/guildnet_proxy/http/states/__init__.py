"""What a connection and an exchange are doing, each as one table of states, events and transitions."""
