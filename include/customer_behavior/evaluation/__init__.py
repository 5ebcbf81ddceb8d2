"""Evaluation: metrics, candidate models beside each other, contact thresholds, and the segments that the gate looks at."""
