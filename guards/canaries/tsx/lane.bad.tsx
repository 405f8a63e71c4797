export const App = () => <Sync publisher={new InMemoryPublisher()} />;
