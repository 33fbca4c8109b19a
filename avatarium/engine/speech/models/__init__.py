"""The networks behind the voices: signs in, sound and the time of every sign out."""
