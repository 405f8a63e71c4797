class Boot {
    Cache cache = new InMemoryCache();
}
