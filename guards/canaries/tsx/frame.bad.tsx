export const Open = () => <Send event={"phx_" + "join"} />;
