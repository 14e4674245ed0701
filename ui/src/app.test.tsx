import { render } from "solid-js/web";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { heardOfSession } from "./api/auth";
import { App } from "./app";
import { aServer, ADA, answering, PRESET, type Sent } from "./test/fake-api";
import { eventually } from "./test/eventually";
import { FakeEventSource } from "./test/fake-event-source";

let dispose = () => {};
let sent: Sent[] = [];

type Table = Record<string, [number, unknown]>;

function show(path: string, over: Table = {}, late: Record<string, Promise<Response>> = {}) {
  const table: Table = {
    "GET /api/ui-config": [200, { name: "team", version: "1", features: {} }],
    "GET /api/me": [200, ADA],
    "GET /api/images": [200, [PRESET]],
    "GET /api/servers": [200, [aServer()]],
    "GET /api/servers/lab-12345": [200, aServer()],
    ...over,
  };
  sent = answering(table, late);
  history.replaceState(null, "", path);
  dispose = render(() => <App />, document.body.appendChild(document.createElement("div")));
}

const stream = (path: string) => {
  const opened = FakeEventSource.opened.findLast((source) => source.url.startsWith(path));
  if (!opened) throw new Error(`${path} was not opened`);
  return opened;
};
const turn = () => new Promise((resolve) => setTimeout(resolve));
const said = async (label: string) => {
  await turn();
  expect(connection()).toBe(label);
};
const connection = () => document.querySelector(".stream [role=status]")?.textContent?.trim();
const text = () => document.body.textContent ?? "";
const labelled = (label: string) => document.querySelector<HTMLElement>(`[aria-label="${label}"]`);
const button = (name: string) =>
  [...document.querySelectorAll<HTMLElement>("button, a")].find((candidate) => candidate.textContent?.trim() === name);
const actionOfPage = (name: string) =>
  [...document.querySelectorAll(".workspace-actions button")].find((one) => one.textContent?.startsWith(name));
const itemOfMenu = (name: string) =>
  [...document.querySelectorAll("[role=menuitem]")].find((item) => item.textContent?.startsWith(name));
/** Chooses from a workspace's menu. */
const choose = (verb: string) => {
  labelled("More for lab-12345")?.click();
  [...document.querySelectorAll<HTMLElement>("[role=menuitem]")].find((item) => item.textContent?.trim() === verb)?.click();
};
const press = (key: string, over: KeyboardEventInit = {}) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...over }));

beforeEach(() => {
  FakeEventSource.opened = [];
  vi.stubGlobal("EventSource", FakeEventSource);
});
afterEach(() => {
  dispose();
  document.body.replaceChildren();
  heardOfSession(200);
  vi.unstubAllGlobals();
});

describe("the frame", () => {
  it("says who is here, what this install is called and what the page is", async () => {
    show("/");
    await eventually(() => expect(document.title).toBe("Workspaces · team"));
    expect(document.querySelector(".brand")?.textContent).toBe("team");
    await eventually(() => expect(document.querySelector(".me")?.textContent).toContain("Ada"));
  });

  it("says when the cluster does not confirm the list, and when it does again", async () => {
    show("/");
    const servers = stream("/sse/servers");
    servers.accept();
    await said("Live");
    servers.say("stale", { seconds: 12 });
    await said("Old");
    servers.say("stale", { seconds: 0 });
    await said("Live");
    servers.say("stale", { seconds: 12 });
    servers.fail(false);
    await said("Reconnecting");
  });

  it("offers to sign in and come back, once, whatever was refused", async () => {
    const ended: [number, unknown] = [401, { code: "unauthenticated", message: "Log in first." }];
    show("/w/lab-12345/logs?level=error", {
      "GET /api/me": ended,
      "GET /api/images": ended,
      "GET /api/servers": ended,
    });
    await eventually(() => expect(text()).toContain("You are signed out."));
    expect(document.querySelectorAll(".signed-out")).toHaveLength(1);
    expect(button("Sign in")?.getAttribute("href")).toBe("/login?next=%2Fw%2Flab-12345%2Flogs%3Flevel%3Derror");
  });

  it("asks a stranger for a token", async () => {
    show("/", { "GET /api/me": [200, { kind: "anonymous", roles: [], actions: [] }] });
    await eventually(() => expect(document.querySelector("main form")?.getAttribute("action")).toBe("/login"));
  });

  it("takes no rights away because a question failed, and asks again", async () => {
    show("/", { "GET /api/me": [502, {}] });
    await eventually(() => expect(button("Who am I?")).toBeDefined());
    expect(button("New")?.getAttribute("href")).toBe("/new");
    const asked = sent.filter(({ path }) => path === "/api/me").length;
    button("Who am I?")?.click();
    await eventually(() => expect(sent.filter(({ path }) => path === "/api/me").length).toBeGreaterThan(asked));
  });

  it("says of a button that is refused which rule is missing, and does not do it", async () => {
    show("/", { "GET /api/me": [200, { ...ADA, actions: ["list"] }] });
    await eventually(() => expect(button("New")).toBeUndefined());
    const launch = [...document.querySelectorAll("a")].find((link) => link.textContent?.startsWith("New"));
    expect(launch?.getAttribute("href")).toBeNull();
    expect(launch?.getAttribute("aria-disabled")).toBe("true");
    expect(launch?.textContent).toContain("no rule allows “launch” to ada@example.com");
  });

  it("skips to the content", async () => {
    show("/");
    document.querySelector<HTMLElement>(".skip")?.click();
    expect(document.activeElement?.id).toBe("main");
    expect(location.pathname).toBe("/");
  });

  it("finds workspaces and actions by Ctrl-K", async () => {
    show("/");
    await eventually(() => expect(text()).toContain("lab-12345"));
    press("k", { ctrlKey: true });
    const field = document.querySelector<HTMLInputElement>("dialog [role=combobox]");
    if (!field) throw new Error("no field");
    field.value = "lab logs";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    expect(document.querySelector("[aria-selected=true]")?.textContent).toContain("lab-12345 · logs");
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await eventually(() => expect(location.pathname).toBe("/w/lab-12345/logs"));
  });

  it("has a map of its keys, and goes where they lead", async () => {
    show("/");
    press("?");
    expect(labelled("Keyboard shortcuts")?.hasAttribute("open")).toBe(true);
    labelled("Keyboard shortcuts")?.querySelector<HTMLElement>("[aria-label=Close]")?.click();
    press("g");
    press("m");
    await eventually(() => expect(document.title).toBe("You and your rights · team"));
  });
});

describe("addresses", () => {
  it.each([
    ["/launch?image=nginx", "/new?image=nginx"],
    ["/servers/lab-12345", "/w/lab-12345"],
  ])("%s is %s now", async (old, now) => {
    show(old);
    await eventually(() => expect(location.pathname + location.search).toBe(now));
  });

  it.each(["/nowhere", "/w/lab-12345/nothing"])("%s is answered with a way home", async (path) => {
    show(path);
    await eventually(() => expect(text()).toContain("There is no such page"));
    expect(document.title).toContain("No such page");
  });
});

describe("what workspaces use", () => {
  const measured: Table = { "GET /api/usage": [200, { measured: true, servers: { "lab-12345": { cpu: 0.123, memory: 851_443_712 } } }] };

  it("stands beside what they asked for, and on their page", async () => {
    show("/", measured);
    await eventually(() => expect(document.querySelector(".cell-size .used")?.textContent).toBe("uses 0.12 · 812 MiB"));
    dispose();
    show("/w/lab-12345/timeline", measured);
    await eventually(() => expect(document.querySelector(".workspace-meta")?.textContent).toContain("uses 0.12 CPU · 812 MiB"));
  });

  it("is not mentioned where the cluster does not measure, nor asked for again at once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      show("/", { "GET /api/usage": [200, { measured: false, servers: {} }] });
      const asked = () => sent.filter(({ path }) => path === "/api/usage").length;
      await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
      vi.advanceTimersByTime(60_000);
      expect(asked()).toBe(1);
      expect(document.querySelector(".used")).toBeNull();
    } finally {
      vi.useRealTimers();
    }
  });

  it("is asked for as often as it is measured", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      show("/", measured);
      await eventually(() => expect(document.querySelector(".used")).not.toBeNull());
      vi.advanceTimersByTime(15_000);
      expect(sent.filter(({ path }) => path === "/api/usage")).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a workspace that one may not stop", () => {
  const rights = [
    { action: "stop", allowed: false, rule: "default-owner", reason: "it belongs to somebody else" },
    { action: "update", allowed: false, rule: "default-owner", reason: "it belongs to somebody else" },
    { action: "start", allowed: true, rule: "default-owner" },
  ];
  const detail: Table = { "GET /api/servers/lab-12345": [200, { ...aServer(), rights }] };

  it("has its button refused with the rule, though others may be stopped", async () => {
    show("/w/lab-12345/timeline", detail);
    await eventually(() => expect(actionOfPage("Stop")?.getAttribute("aria-disabled")).toBe("true"));
    expect(actionOfPage("Stop")?.textContent).toContain("You may not stop it: it belongs to somebody else (rule default-owner).");
  });

  it("says so in its menu in the list, for which it is asked when that is opened", async () => {
    show("/", detail);
    await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
    expect(sent.filter(({ path }) => path === "/api/servers/lab-12345")).toHaveLength(0);
    labelled("More for lab-12345")?.click();
    await eventually(() => expect(itemOfMenu("Stop")?.textContent).toContain("it belongs to somebody else (rule default-owner)"));
    expect(itemOfMenu("Stop")?.getAttribute("aria-disabled")).toBe("true");
    expect(document.activeElement?.getAttribute("role")).toBe("menuitem");
  });

  it("says so above its settings", async () => {
    show("/w/lab-12345/settings", detail);
    await eventually(() => expect(text()).toContain("You may not change it: it belongs to somebody else (rule default-owner)."));
  });
});

describe("actions", () => {
  it("stops at once where files are kept", async () => {
    show("/", {
      "GET /api/servers": [200, [aServer({ files: "kept" })]],
      "POST /api/servers/lab-12345/stop": [202, aServer({ status: "stopped" })],
    });
    await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
    choose("Stop");
    await eventually(() => expect(labelled("Start lab-12345")).not.toBeNull());
  });

  it.each(["lost on stop", undefined] as const)("asks before it stops where files are %s", async (files) => {
    show("/", {
      "GET /api/servers": [200, [aServer(files ? { files } : {})]],
      "POST /api/servers/lab-12345/stop": [202, aServer({ status: "stopped" })],
    });
    await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
    choose("Stop");
    await turn();
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
    expect(text()).toContain(files ? "Files are not kept." : "It is not known whether files are kept.");
    button("Cancel")?.click();
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
    choose("Stop");
    button("Stop and lose files")?.click();
    await eventually(() => expect(labelled("Start lab-12345")).not.toBeNull());
  });

  it("deletes after a time in which it can be taken back, and says what the API says", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      show("/", { "DELETE /api/servers/lab-12345": [409, { code: "conflict", message: "It is in use." }] });
      await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
      const deleted = () => sent.filter(({ method }) => method === "DELETE").length;
      choose("Delete");
      button("Delete")?.click();
      vi.advanceTimersByTime(6000);
      button("Undo")?.click();
      vi.advanceTimersByTime(20_000);
      expect(deleted()).toBe(0);
      choose("Delete");
      button("Delete")?.click();
      vi.advanceTimersByTime(7000);
      expect(deleted()).toBe(1);
      await eventually(() => expect(text()).toContain("lab-12345: It is in use."));
    } finally {
      vi.useRealTimers();
    }
  });

  it("does not let a page go with a deletion undone that was not taken back", async () => {
    show("/", { "DELETE /api/servers/lab-12345": [200, { deleted: "lab-12345" }] });
    await eventually(() => expect(labelled("Open lab-12345")).not.toBeNull());
    choose("Delete");
    button("Delete")?.click();
    expect(sent.some(({ method }) => method === "DELETE")).toBe(false);
    dispatchEvent(new Event("pagehide"));
    expect(sent.some(({ method }) => method === "DELETE")).toBe(true);
  });
});
