import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const out = process.env.PATCHBAY_OUT ?? join(import.meta.dirname, "../../static");

/** The licenses of what is inside, which their authors ask to be passed on. */
function licenses(modules: string[]): string {
  const roots = new Set<string>();
  for (const id of modules) {
    const found = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id);
    if (found && existsSync(join(found[0], "package.json"))) roots.add(found[0]);
  }
  const parts = [...roots].map((root) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const file = readdirSync(root).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file ? readFileSync(join(root, file), "utf8").trim() : "";
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return parts.sort().join(`\n${"-".repeat(80)}\n\n`);
}

/** What is built: the canvas, and (`vite build --mode live`) the parts of a page that follow a run. */
const ENTRIES: Record<string, string> = { canvas: "src/main.tsx", live: "src/live/main.ts" };

/** One file for each, its hash in its name; the one that it replaces goes away. What is fetched later is `part-…`. */
export default defineConfig(({ mode }) => {
  const name = mode in ENTRIES ? mode : "canvas";
  return {
    base: "./",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: out,
      emptyOutDir: false,
      minify: true,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      chunkSizeWarningLimit: 1000,
      rollupOptions: {
        input: join(import.meta.dirname, ENTRIES[name]),
        preserveEntrySignatures: "allow-extension",
        output: { format: "es", entryFileNames: `${name}-[hash].js`, chunkFileNames: "part-[name]-[hash].js" },
      },
    },
    test: { include: ["src/**/*.test.ts"], css: true },
    plugins: [
      {
        name: "only-the-newest",
        writeBundle(_options, bundle) {
          const modules = Object.values(bundle).flatMap((file) =>
            file.type === "chunk" ? Object.keys(file.modules) : [],
          );
          const text = licenses(modules.map((id) => id.replace(/^\0/, "").split("?")[0]));
          if (text) writeFileSync(join(out, `${name}-licenses.txt`), text);
          for (const file of readdirSync(out)) {
            const own = file.startsWith(`${name}-`) || (name === "canvas" && file.startsWith("part-"));
            if (own && file.endsWith(".js") && !(file in bundle)) rmSync(join(out, file));
          }
        },
      },
    ],
  };
});
