import { Router, Route } from "@solidjs/router";
import { render } from "solid-js/web";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Frame } from "../shell/frame";
import { eventually } from "../test/eventually";
import { aServer, ADA, answering, PRESET, type Sent } from "../test/fake-api";
import { FakeEventSource } from "../test/fake-event-source";
import { NewPage } from "./new";

let dispose = () => {};
let sent: Sent[] = [];

async function show(path: string, over: Record<string, [number, unknown]> = {}) {
  sent = answering({
    "GET /api/ui-config": [200, { name: "team", version: "1", originMode: "host", features: {} }],
    "GET /api/me": [200, ADA],
    "GET /api/images": [200, [PRESET]],
    "GET /api/servers": [200, []],
    "POST /api/jobs": [202, { id: "jupyterlab-abcde", status: "pending" }],
    ...over,
  });
  history.replaceState(null, "", path);
  dispose = render(
    () => (
      <Router root={Frame}>
        <Route path="/new" component={NewPage} />
        <Route path="*" component={() => <p>elsewhere</p>} />
      </Router>
    ),
    document.body.appendChild(document.createElement("div")),
  );
  await eventually(() => expect(document.querySelector("form.new")).not.toBeNull());
}

const text = () => document.body.textContent ?? "";
const field = (label: string) => {
  const found = [...document.querySelectorAll("label")].find((one) => one.textContent === label);
  const input = document.getElementById(found?.htmlFor ?? "") ?? document.querySelector(`[aria-label="${label}"]`);
  if (!input) throw new Error(`there is no field ${label}`);
  return input as HTMLInputElement;
};
const type = (label: string, value: string) => {
  const input = field(label);
  input.value = value;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  input.dispatchEvent(new FocusEvent("blur"));
};
const wrong = () => [...document.querySelectorAll(".wrong .field-note")].map((note) => note.textContent);
const submit = () => document.querySelector("form.new")?.dispatchEvent(new Event("submit", { cancelable: true }));
const launches = () => sent.filter(({ path }) => path === "/api/jobs").map(({ body }) => body);

beforeEach(() => {
  sessionStorage.clear();
  vi.stubGlobal("EventSource", FakeEventSource);
});
afterEach(() => {
  dispose();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

it("launches a preset as it stands, and goes to its timeline", async () => {
  await show("/new");
  submit();
  await eventually(() => expect(location.pathname).toBe("/w/jupyterlab-abcde/timeline"));
  expect(launches()).toEqual([{ image: PRESET.image, presetsRef: "jupyterlab" }]);
});

it("says which ports an image gets when none are given, and the name it would have", async () => {
  await show("/new?image=", { "GET /api/image-defaults?image=tsl0922%2Fttyd": [200, { ports: [{ port: 7681, name: "http" }] }] });
  expect(text()).toContain("8080 and 8443");
  type("Image", "tsl0922/ttyd");
  await eventually(() => expect(text()).toContain("Left out: 7681"));
  type("Name", "Über Terminal!");
  expect(text()).toContain("uber-terminal-•••••");
  expect(text()).toContain("guildnet launch tsl0922/ttyd --name 'Über Terminal!'");
});

it("tells every problem at once before it asks, and asks when they are gone", async () => {
  await show("/new?image=a%20b");
  type("CPU", "lots");
  submit();
  expect(wrong()).toEqual(["not an image reference like registry/repository:tag", "not an amount above zero like 500m, 2 or 1Gi"]);
  expect(launches()).toEqual([]);
  type("Image", "nginx:1");
  type("CPU", "2");
  submit();
  await eventually(() => expect(launches()).toEqual([{ image: "nginx:1", resources: { cpu: "2" } }]));
});

it("puts the focus into the text that is wrong, not onto the slider beside it", async () => {
  await show("/new?image=nginx");
  type("Memory", "lots");
  submit();
  await eventually(() => expect(document.activeElement).toBe(field("Memory")));
});

it("shows the API's objection at its field and keeps what was typed", async () => {
  const details = [{ field: "resources.memory", reason: "more than any node has" }];
  await show("/new?name=mine", { "POST /api/jobs": [400, { code: "invalid_spec", message: "See resources.memory.", details }] });
  submit();
  await eventually(() => expect(document.querySelector(".wrong .field-note")?.textContent).toBe("more than any node has"));
  expect(field("Name").value).toBe("mine");
});

it("sends a launch again, that nobody answered, as the same launch", async () => {
  const keys: (string | null)[] = [];
  await show("/new");
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    keys.push(new Headers(init.headers).get("Idempotency-Key"));
    throw new TypeError("network");
  });
  submit();
  await eventually(() => expect(text()).toContain("It was not launched."));
  submit();
  await eventually(() => expect(keys).toHaveLength(2));
  expect(keys[0]).toBe(keys[1]);
  type("Name", "another");
  await eventually(() => expect(document.querySelector("[type=submit]")?.getAttribute("aria-busy")).toBeNull());
  submit();
  await eventually(() => expect(keys).toHaveLength(3));
  expect(keys[2]).not.toBe(keys[0]);
});

it("takes a pasted .env as variables, and locks what looks secret", async () => {
  await show("/new");
  [...document.querySelectorAll("button")].find((one) => one.textContent === "Variable")?.click();
  const paste = new Event("paste", { bubbles: true, cancelable: true }) as ClipboardEvent;
  Object.defineProperty(paste, "clipboardData", { value: { getData: () => "MODE=fast\nAPI_TOKEN='s 3'\n" } });
  field("Name of variable 1").dispatchEvent(paste);
  submit();
  await eventually(() => expect(launches()).toHaveLength(1));
  expect(launches()[0]).toMatchObject({ env: { MODE: "fast", API_TOKEN: { value: "s 3", secret: true } } });
});

it("begins a launch like another with what that one has", async () => {
  const like = aServer({ id: "web-0a1b2", name: "web-0a1b2", image: "nginx:1", files: "kept", storage: { size: "5Gi" }, notes: "hello" });
  await show("/new?like=web-0a1b2", { "GET /api/servers/web-0a1b2": [200, like] });
  await eventually(() => expect(field("Image").value).toBe("nginx:1"));
  submit();
  await eventually(() => expect(launches()).toEqual([{ image: "nginx:1", name: "web", storage: { size: "5Gi" }, notes: "hello" }]));
});

it("keeps what was typed over a reload, but no secret", async () => {
  await show("/new?image=");
  type("Image", "nginx:1");
  [...document.querySelectorAll("button")].find((one) => one.textContent === "Variable")?.click();
  type("Name of variable 1", "PASSWORD");
  field("Name of variable 1").dispatchEvent(new Event("change", { bubbles: true }));
  type("Value of PASSWORD", "hunter2");
  expect(JSON.stringify({ ...sessionStorage })).not.toContain("hunter2");
  dispose();
  document.body.replaceChildren();
  await show("/new?image=");
  expect(field("Image").value).toBe("nginx:1");
  expect(field("Value of PASSWORD").value).toBe("");
});

it("can be used without the presets", async () => {
  await show("/new?image=nginx:1", { "GET /api/images": [502, {}] });
  await eventually(() => expect(text()).toContain("cannot be loaded"));
  submit();
  await eventually(() => expect(launches()).toEqual([{ image: "nginx:1" }]));
});

it("offers a way past GuildNet where the install allows one, and says who gets in then", async () => {
  const config = { name: "team", version: "1", originMode: "host", features: { directExposure: true } };
  await show("/new?image=nginx:1", { "GET /api/ui-config": [200, config] });
  await eventually(() => expect(field("Reached")).toBeDefined());
  expect(text()).toContain("Open towhom the rules of this install allow");
  const ways = field("Reached");
  ways.value = "Ingress";
  ways.dispatchEvent(new Event("change", { bubbles: true }));
  type("Domain", "apps.example.com");
  expect(text()).toContain("Open towhoever reaches its Ingress, whatever the rules say");
  submit();
  await eventually(() => expect(launches()).toEqual([{ image: "nginx:1", exposure: { type: "Ingress", domain: "apps.example.com" } }]));
});

it("offers no way past GuildNet where the install allows none", async () => {
  await show("/new?image=nginx:1");
  expect(text()).not.toContain("load balancer");
});
