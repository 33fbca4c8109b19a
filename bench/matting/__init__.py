"""How good the alpha of a video is, against clips whose alpha is known."""
