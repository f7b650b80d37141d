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

/** What is built: the canvas, (`vite build --mode live`) the parts of a page that follow a run, and (`--mode chat`) the
 * chat page that `patchbay serve` gives, which lies with the server. */
const ENTRIES: Record<string, string> = { canvas: "src/main.tsx", live: "src/live/main.ts", chat: "src/chat/page.ts" };
const SERVED = process.env.PATCHBAY_OUT
  ? join(out, "chat")
  : join(import.meta.dirname, "../../../flows/server/http/assets");
/** Its style, which a strict policy wants as a file. */
const STYLES = ["live/words.css", "chat/chat.css", "chat/question.css", "chat/page.css"];

/** One file for each, its hash in its name; the one that it replaces goes away. What is fetched later is `part-…`. */
export default defineConfig(({ mode }) => {
  const name = mode in ENTRIES ? mode : "canvas";
  return {
    base: "./",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: name === "chat" ? SERVED : out,
      emptyOutDir: false,
      minify: true,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      chunkSizeWarningLimit: 1000,
      rollupOptions: {
        input: join(import.meta.dirname, ENTRIES[name]),
        preserveEntrySignatures: "allow-extension",
        output: {
          format: "es",
          entryFileNames: name === "chat" ? "chat.js" : `${name}-[hash].js`,
          chunkFileNames: "part-[name]-[hash].js",
        },
      },
    },
    worker: { format: "es", rollupOptions: { output: { entryFileNames: "part-layout-[hash].js" } } },
    test: { include: ["src/**/*.test.ts"], css: true },
    plugins: [
      {
        name: "only-the-newest",
        generateBundle() {
          if (name !== "chat") return;
          const source = STYLES.map((file) => readFileSync(join(import.meta.dirname, "src", file), "utf8")).join("\n");
          this.emitFile({ type: "asset", fileName: "chat.css", source });
        },
        writeBundle(_options, bundle) {
          const modules = Object.values(bundle).flatMap((file) =>
            file.type === "chunk" ? Object.keys(file.modules) : [],
          );
          const text = licenses(modules.map((id) => id.replace(/^\0/, "").split("?")[0]));
          const place = name === "chat" ? SERVED : out;
          if (text) writeFileSync(join(place, `${name}-licenses.txt`), text);
          if (name === "chat") return;
          for (const file of readdirSync(out)) {
            const own = file.startsWith(`${name}-`) || (name === "canvas" && file.startsWith("part-"));
            if (own && file.endsWith(".js") && !(file in bundle)) rmSync(join(out, file));
          }
        },
      },
    ],
  };
});
