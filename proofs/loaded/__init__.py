"""Pages of real apps, loaded in a browser by several ways, and what each load took: the parts of `show-real-path`."""
