defmodule Paths do
  @root "/api"
  def token, do: Enum.join([@root, "sync", "token"], "/")
end
