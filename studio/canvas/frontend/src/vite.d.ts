// What Vite puts in the place of some words.
interface ImportMeta {
  glob<T>(pattern: string, options: { eager: true; import: "default" }): Record<string, T>;
}
declare module "*.css?inline" {
  const text: string;
  export default text;
}
declare module "*?raw" {
  const text: string;
  export default text;
}

declare module "*?worker" {
  const Made: new () => Worker;
  export default Made;
}
