"""Live rooms, measured in a browser that knows nothing of ours but WHEP."""
