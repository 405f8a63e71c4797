export const Box = () => <Check on={flags.useRelays} label="Legacy account names" />;
