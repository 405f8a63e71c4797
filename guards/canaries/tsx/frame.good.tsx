export const Open = () => <Send event={"phx_" + "joined"} />; // not phx_join
