"""What sentences mean, as far as comparing them goes."""
