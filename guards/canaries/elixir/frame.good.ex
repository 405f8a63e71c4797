defmodule Frames do
  @moduledoc "After phx_reply."
  @family "phx"
  def reply, do: "#{@family}" <> "_replica"
end
