import { ConvexProvider } from "./providers";
