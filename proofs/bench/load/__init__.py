"""The load: bare protocols on the loop of the upstream, so that what is measured is the proxy between them.

A closed loop: every connection asks again as soon as its answer is complete, until the time or the count is up.
"""
