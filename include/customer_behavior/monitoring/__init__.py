"""The platform watching itself: drift, matured scores, the segments it gets wrong, and who is told."""
