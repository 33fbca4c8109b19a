"""The two portraits of the project, painted by code: `python -m art.portraits` writes them."""
