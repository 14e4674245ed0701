"""Live logs in four rooms: follow → stream → ring → viewer. They share lines with ids, and nothing else.

`follow` reads one container and aligns what is read twice; `stream` is the shared tail in Redis, written under a lease;
`feed` is the ring of frames that every replica serves from; `viewer` writes to one client. `hub` starts and ends them.
"""
