"""Drift: how far the features moved from those the champion was calibrated on."""
