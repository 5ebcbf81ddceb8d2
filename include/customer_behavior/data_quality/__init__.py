"""Data quality: whether rows can be trained on, and columns that know the answer (target leakage)."""
