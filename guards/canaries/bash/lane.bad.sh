exec runtime --publisher in_memory_publisher
