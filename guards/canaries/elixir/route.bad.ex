defmodule Paths do
  @root "/api"
  def token, do: Enum.join([@root, "v1", "sync", "token"], "/")
end
