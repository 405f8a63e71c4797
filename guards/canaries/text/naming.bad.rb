client = ConvexClient.new
