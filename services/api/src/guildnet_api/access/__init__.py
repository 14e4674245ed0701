"""Who may do what: rules asked, limits counted, decisions recorded."""
