"""Large bodies that go from socket to socket within the kernel (splice(2)), without coming up to the process."""
