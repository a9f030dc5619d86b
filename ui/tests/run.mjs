// Node 20 does not read TypeScript: Vite puts the tests into plain files, and Node's own runner runs them.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "node_modules", ".cache", "lupus-tests");
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
rmSync(out, { recursive: true, force: true });
await build({
  root: here,
  configFile: false,
  logLevel: "warn",
  build: {
    ssr: true,
    outDir: out,
    rolldownOptions: { input: names.map((name) => join(here, name)), output: { entryFileNames: "[name].mjs" } },
  },
});
const files = readdirSync(out).filter((name) => name.endsWith(".test.mjs"));
if (files.length !== names.length) throw new Error(`${files.length} of ${names.length} tests were built`);
const done = spawnSync(process.execPath, ["--test", ...files.map((name) => join(out, name))], { stdio: "inherit" });
process.exit(done.status ?? 1);
