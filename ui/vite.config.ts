import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

// The pages are served under a strict content security policy: nothing inline, nothing as a data: URL.
export default defineConfig({
  plugins: [solid()],
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    // One stylesheet, at first load: one of a page's own that failed in an outage would not be asked for again.
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    strictPort: true,
    // A test reads what the operator says in each of its states.
    fs: { allow: [".", "../tests/unit/operator/golden"] },
    // Development against a running install: its front door, reached by a forwarded port.
    proxy: Object.fromEntries(
      ["/api", "/sse", "/proxy", "/login", "/logout"].map((path) => [
        path,
        { target: process.env.GUILDNET_ORIGIN ?? "http://guildnet.localhost:8080", changeOrigin: true },
      ]),
    ),
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true, testTimeout: 30_000 },
});
