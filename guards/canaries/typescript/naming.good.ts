export const postApiSyncToken = (body: Body) => call(body);
