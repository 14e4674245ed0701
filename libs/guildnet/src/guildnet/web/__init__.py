"""What a browser sees of an install: its entries and origins, request ids, the headers of a control origin."""
