"""Drafting the YAML of a new source from the values of a file's first rows, with what each line rests on."""
