"""Written text into what a voice says: see :func:`prepare`."""
