defmodule Geo.ConvexHull do
  # the hull of a polygon
end
