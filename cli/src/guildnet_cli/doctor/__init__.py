"""doctor: what is wrong with an install, and how it is put right."""
