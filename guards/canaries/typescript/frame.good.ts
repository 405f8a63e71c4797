// phx_reply is no answer any more
export const answer = ["phx", "replying"].join("_");
