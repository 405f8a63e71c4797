import publish.InMemoryPublisher as Sink
