"""Scoring: the snapshot of a date → calibrated probabilities and reasons, bucket by bucket → swapped in at once, with ranks."""
