defmodule Frames do
  @family "phx"
  def reply, do: "#{@family}" <> "_reply"
end
