"""A laboratory for live logs: a node whose containers write when told, real api processes, clients by the thousand."""
