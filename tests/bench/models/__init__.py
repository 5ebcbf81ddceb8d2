"""Models on shops' data, out of time: what `make bench-models` prints and writes to `.run/bench-models.json`."""
