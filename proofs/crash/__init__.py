"""Crash plans: what people do to workspaces, played against a real API server while one thing goes wrong.

A scenario is played once without a fault: the reference. A plan plays it again with one fault at one write of the
operator. Every plan has to end in the reference's state, with as many objects created and deleted.
"""
