export const cache = new InMemoryCache();
