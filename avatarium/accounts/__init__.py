"""Users, what they may do, and their coins."""
