"""The real servers and proxies of one scenario: SpacetimeDB behind Toxiproxy, on loopback."""
