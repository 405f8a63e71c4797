class Boot {
    Publisher publisher = new InMemoryPublisher();
}
