"""Voices made out of recordings of somebody: advice before, the clone itself, and opening it afterwards."""
