"""How well the embedded brain answers from a context, and what a question costs."""
