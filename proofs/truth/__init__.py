"""Cells of the table "which child × how its write fails × is the workspace new or running", played one way to fail at a
time against a real API server, and what each Workspace's status has to say meanwhile.
"""
