"""Instruments: how like a person the product's video is, and what it costs."""
