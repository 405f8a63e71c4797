export const App = () => <Sync cache={new InMemoryCache()} />;
