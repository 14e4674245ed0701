"""What the unit ring shares."""

from __future__ import annotations

from hypothesis import settings

# An example that takes longer than others says how busy the machine is, and nothing of the property.
settings.register_profile("guildnet", deadline=None)
settings.load_profile("guildnet")
