"""Seeded traffic: the same seed gives the same events in the same order."""
