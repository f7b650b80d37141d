import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

const out = process.env.PATCHBAY_OUT ?? join(import.meta.dirname, "../../static");

/** One file, its hash in its name; the one that it replaces goes away. */
export default defineConfig({
  base: "./",
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    outDir: out,
    emptyOutDir: false,
    minify: true,
    target: "es2022",
    cssCodeSplit: false,
    rollupOptions: {
      input: join(import.meta.dirname, "src/main.tsx"),
      preserveEntrySignatures: "strict",
      output: { format: "es", entryFileNames: "canvas-[hash].js" },
    },
  },
  plugins: [
    {
      name: "only-the-newest",
      writeBundle(_options, bundle) {
        const made = new Set(Object.keys(bundle));
        for (const file of readdirSync(out)) {
          if (/^canvas-.*\.js$/.test(file) && !made.has(file)) rmSync(join(out, file));
        }
      },
    },
  ],
});
