"""What browsers ask of JupyterLab and code-server: requests recorded once, to be played to any proxy."""
