"""A frame by an f-string."""

FAMILY = "phx"
EVENT = f"{FAMILY}_join"
