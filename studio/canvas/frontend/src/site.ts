// Where the app lies, which a proxy may have put below an address that Python does not know.

const here = import.meta.url;

/** An address of the app, given below its root: our scripts lie in its `app/static`. */
export const addressOf = (path: string): string => new URL(`../../${path}`, here).href;
