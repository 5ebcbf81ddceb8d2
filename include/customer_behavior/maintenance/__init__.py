"""Keeping the warehouse small, forgetting a person, and a person's choice of the model that serves."""
