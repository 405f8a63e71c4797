defmodule Sync.ConvexClient do
end
