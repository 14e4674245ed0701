"""What runs in the cluster: control plane, node, DNS, test tailnet, and kubectl and containerd to talk to it."""
