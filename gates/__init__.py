"""What must hold: the gates of a signoff, one file a subject area, each a pytest test under `@gate`."""
