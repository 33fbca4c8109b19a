"""The HTTP API: envelope, errors, authentication, routes. Nothing outside this package imports a web framework."""
