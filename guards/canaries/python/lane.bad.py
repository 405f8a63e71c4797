"""A publisher that keeps events in memory."""

publisher = InMemoryPublisher()  # noqa: F821
