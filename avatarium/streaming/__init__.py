"""Live rooms: an avatar in the browser that speaks, listens and answers."""
