"""Landed files become validated events: read, map, load, account for every row, roll up by customer and day."""
