"""SpacetimeDB's wire: messages and rows sans-I/O, and two thin clients over them."""
