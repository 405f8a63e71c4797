"""A cache that does."""

cache = InMemoryCache()  # noqa: F821
