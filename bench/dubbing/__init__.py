"""What a dubbing is like, by instruments that did not make it."""
