export const Text = () => <p>A convex lens and a convex polygon.</p>;
