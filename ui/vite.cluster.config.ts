import type { Plugin } from "vite";
import { defineConfig, mergeConfig } from "vitest/config";

import base from "./vite.config.ts";

// `make dev`: behind the front door of the local cluster, under the policy of the real page. That refuses the <style>
// elements by which Vite shows a style sheet while one works on it, so each is a link to itself.
const linkedStyles: Plugin = {
  name: "linked-styles",
  apply: "serve",
  enforce: "post",
  transform(_, id) {
    if (!id.endsWith(".css")) return null;
    return `
      const link = document.createElement("link");
      link.rel = "stylesheet";
      const show = () => { link.href = ${JSON.stringify(id)}.replace(${JSON.stringify(process.cwd())}, "") + "?direct&t=" + Date.now(); };
      show();
      document.head.append(link);
      import.meta.hot?.accept(show);
      import.meta.hot?.prune(() => link.remove());
    `;
  },
};

export default mergeConfig(base, defineConfig({ plugins: [linkedStyles], server: { proxy: {} } }));
