exec runtime --cache in_memory_cache
