"""What each route does: read the request, ask the pure middle, answer. One module per thing asked about."""
