"""One module per group of the API; each declares a ``router``, and the app takes all modules that are here."""
