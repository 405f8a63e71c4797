hull = convex_hull(points)
