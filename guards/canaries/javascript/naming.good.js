import { convexHull } from "./geometry"; // hull of a polygon
