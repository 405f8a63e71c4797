const area = "legacy";
export const on = flags.isOn(`sync.${area}.transport.enabled`);
