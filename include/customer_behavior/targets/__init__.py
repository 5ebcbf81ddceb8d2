"""Targets: what is asked of whom: the SQL of populations and labels, cutoffs, sampled rows with labels."""
