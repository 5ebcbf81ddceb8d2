"""Performance: scores whose label window is whole, judged against what happened."""
