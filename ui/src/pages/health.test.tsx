import { Route, Router } from "@solidjs/router";
import { render } from "solid-js/web";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Frame } from "../shell/frame";
import { eventually } from "../test/eventually";
import { ADA, answering } from "../test/fake-api";
import { FakeEventSource } from "../test/fake-event-source";
import { HealthPage } from "./health";

let dispose = () => {};
const OPERATOR = { leads: true, name: "operator-1", heardSeconds: 3, queueSeconds: 0.4, watchSeconds: 12, portsLeft: 45_000 };
const INSTALL = { versions: { api: "0.1.0", operator: "0.1.1", kubernetes: "v1.34.1" }, tailnet: "guild.tail.example", operator: OPERATOR };

function show(install: [number, unknown], over: Record<string, [number, unknown]> = {}) {
  answering({
    "GET /api/ui-config": [200, { name: "team", version: "0.1.0", originMode: "host", features: {} }],
    "GET /api/me": [200, ADA],
    "GET /api/images": [200, []],
    "GET /api/servers": [200, []],
    "GET /readyz": [200, { status: "ok", checks: { redis: { ok: true } } }],
    "GET /api/stats": [200, { states: {}, starts: [] }],
    "GET /api/install": install,
    "GET /api/proxy-debug?url=%2F": [200, { version: "0.1.2" }],
    ...over,
  });
  history.replaceState(null, "", "/health");
  dispose = render(
    () => (
      <Router root={Frame}>
        <Route path="/health" component={HealthPage} />
      </Router>
    ),
    document.body.appendChild(document.createElement("div")),
  );
}

const facts = () =>
  Object.fromEntries([...document.querySelectorAll(".facts > div")].map((one) => [one.querySelector("dt")?.textContent, one.querySelector("dd")?.textContent]));

beforeEach(() => vi.stubGlobal("EventSource", FakeEventSource));
afterEach(() => {
  dispose();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

it("says how far the operator is, the name on the tailnet, what ports are left, and every version", async () => {
  show([200, INSTALL]);
  await eventually(() =>
    expect(facts()).toMatchObject({
      "Name on the tailnet": "guild.tail.example",
      "Ports left on it": "45,000",
      Versions: "api 0.1.0 · operator 0.1.1 · proxy 0.1.2 · kubernetes v1.34.1",
    }),
  );
  expect(document.querySelector(".checks")?.textContent).toContain("Operator is well. Its oldest change waits for 0.4 s");
});

it.each([
  [{ ...OPERATOR, leads: false, heardSeconds: 95 }, "No operator has been heard for 95 s"],
  [{ ...OPERATOR, queueSeconds: 40 }, "Its oldest change waits for 40 s"],
  [{ ...OPERATOR, watchSeconds: 200 }, "The cluster has not spoken to it for 200 s"],
])("says that the operator of %j is not well", async (operator, words) => {
  show([200, { ...INSTALL, operator }]);
  await eventually(() => expect(document.querySelector(".check-bad")?.textContent).toContain(words));
});

it("says which part it is where the install is not ready", async () => {
  show([200, INSTALL], { "GET /readyz": [503, { status: "unavailable", checks: { redis: { ok: true }, cache: { ok: false } } }] });
  await eventually(() => expect(document.querySelector(".check-bad")?.textContent).toContain("Copy of the cluster is not well."));
  expect(document.body.textContent).not.toContain("GuildNet does not say how it is.");
});

it("says nothing of what is not known", async () => {
  show([200, { versions: { api: "0.1.0" } }]);
  await eventually(() => expect(facts()["Versions"]).toBe("api 0.1.0 · proxy 0.1.2"));
  expect(facts()).not.toHaveProperty("Ports left on it");
  expect(document.body.textContent).not.toContain("Operator");
});
