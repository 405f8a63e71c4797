export const on = process.env["PHOENIX_" + "FALLBACK"] === "1";
