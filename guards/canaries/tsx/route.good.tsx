export const Form = () => <form action={`/api/sync/${"token"}`} />;
