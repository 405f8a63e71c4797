const version: string = "v1";
export const path = `/api/${version}/spacetime/token`;
