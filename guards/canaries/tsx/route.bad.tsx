const version = "v1";
export const Form = () => <form action={`/api/${version}/sync/token`} />;
