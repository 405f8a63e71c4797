use crate::backend::ConvexClient as Client;
