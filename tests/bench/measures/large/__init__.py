"""What may not grow with the catalogue."""
