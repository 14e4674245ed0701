"""What the cluster takes of this machine – processes, namespaces, control groups, ports – and gives back."""
