/// The convex hull of these points.
fn convex_hull(points: &[Point]) -> Vec<Point> { chain(points) }
