"""The demonstration shop: real purchases to try the platform with."""
