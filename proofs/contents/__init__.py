"""What an image holds, and what of it the imports of a program reach."""
