export const Box = () => <Check on={flags.useLegacySocket} />;
