import { useConvexQuery } from "./hooks";
