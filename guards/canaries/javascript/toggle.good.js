export const city = process.env["PHOENIX_" + "OFFICE"];
