"""What the web interface of the first generation could do, and where that is found and used in ours.

From its description: a launch form with simple defaults and advanced options on demand, a list and a page of servers
with logs and an IDE in a frame, all of one origin, and stop-all.
"""
