"""The web interface of the real cluster, used as a person does: in Chromium, at the front door."""
