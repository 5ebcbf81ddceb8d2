"""Products: what to show to each customer."""
