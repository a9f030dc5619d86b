// One file that Airflow loads with import(): a UMD library whose React, router and JSX runtime are those of the page.
import { defineConfig } from "vite";

const HOST = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
};

// Names of the apps as `lupus.ui.bundle` registers them: Airflow looks each up as a global.
const APPS = ["Lupus", "Lupus metrics", "Lupus verdicts", "Lupus incidents"];

// Without the page's libraries the code would throw while it loads and Airflow would show a bare error page.
// A component may return a string, so the message needs no React.
const guard = {
  name: "say-which-global-is-missing",
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      const globals = JSON.stringify(Object.values(HOST));
      chunk.code = `(function(){var missing=${globals}.filter(function(n){return globalThis[n]===undefined});
if(missing.length){${JSON.stringify(APPS)}.forEach(function(n){globalThis[n]=function(){return "Lupus cannot be shown: this version of Airflow does not offer "+missing.join(", ")+". Lupus is made for Airflow 3.3."}});return}
${chunk.code}
})();
`;
    }
  },
};

export default defineConfig({
  oxc: { jsx: { runtime: "automatic" } },
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [guard],
  build: {
    target: "es2022",
    outDir: "../src/lupus/ui/static",
    emptyOutDir: true,
    reportCompressedSize: false,
    lib: { entry: "src/main.tsx", formats: ["umd"], name: "LupusBundle", fileName: () => "lupus.js" },
    rolldownOptions: { external: Object.keys(HOST), output: { globals: HOST } },
  },
});
