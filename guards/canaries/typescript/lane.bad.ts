export const publisher = new InMemoryPublisher();
