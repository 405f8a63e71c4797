"""What a source tree says of itself, for the draft of a signoff.toml: read, never run."""
