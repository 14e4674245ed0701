"""Live logs: what a container writes, to any number of readers.

`source` reads a container and recognises lines read twice; `redis` keeps the tail that all replicas share, written
under a lease; a `feed` is one replica's ring of a run; a `viewer` is the stream of one reader. A `hub` starts and ends
feeds.
"""
