"""The cases of the Autobahn test suite for WebSockets, as data, and a driver that speaks in frames.

The suite itself is of Python 2. Its list of cases is kept by its numbers, with two bounds: messages of 9, 12 and 13 are
smaller or fewer than its 16 MiB and 1,000; and where the suite accepts an echo and a failure in either order, the next
frame waits for the echo, so that two runs can be compared byte by byte.
"""
