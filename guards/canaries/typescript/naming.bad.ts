export const postApiSpacetimeToken = (body: Body) => call(body);
