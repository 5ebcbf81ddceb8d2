"""Incidents: what is wrong on a date, who is told of it, and the request to train again."""
