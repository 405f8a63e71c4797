const { root: base } = { root: "/sync/socket" };
export const path = base.concat("/websocket");
