"""Random sets of landed files, loaded in any order, against a slow independent count: `make fuzz TARGET=landings CASES=10000`."""
