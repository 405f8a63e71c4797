const leaf: string = "token";
export const path = `/api/sync/${leaf}`;
