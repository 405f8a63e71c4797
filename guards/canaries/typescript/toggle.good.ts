export const transport: "spacetime" | "nostr" = settings.transport;
