fn build() -> SyncPublisher {
    SyncPublisher::in_memory()
}
