fn build() -> AnswerCache {
    AnswerCache::in_memory() // no SyncPublisher::in_memory()
}
