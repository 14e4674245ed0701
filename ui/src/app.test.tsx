import { render } from "solid-js/web";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "./app";
import type { Me } from "./api/types";
import { aServer, answering, type Sent } from "./test/fake-api";
import { FakeEventSource } from "./test/fake-event-source";

const ADA: Me = { login: "ada@example.com", displayName: "Ada", kind: "user", roles: [], actions: ["launch", "delete", "stop", "start", "readLogs"] };
const PRESET = { name: "jupyterlab", label: "JupyterLab", image: "guildnet/jupyterlab:1" };

let dispose = () => {};
let sent: Sent[] = [];

function show(path: string, over: Record<string, [number, unknown]> = {}, late: Record<string, Promise<Response>> = {}) {
  const table: Record<string, [number, unknown]> = {
    "GET /api/ui-config": [200, { name: "team", version: "1" }],
    "GET /api/me": [200, ADA],
    "GET /api/images": [200, [PRESET]],
    "GET /api/servers": [200, [aServer()]],
    "GET /api/servers/lab-12345": [200, aServer({ conditions: [{ type: "Ready", status: "True", message: "It answers." }] })],
    ...over,
  };
  sent = answering(table, late);
  history.replaceState(null, "", path);
  const root = document.body.appendChild(document.createElement("div"));
  dispose = render(() => <App />, root);
}

const stream = (path: string) => {
  const found = FakeEventSource.opened.findLast((source) => source.url.startsWith(path));
  if (!found) throw new Error(`${path} was not opened`);
  return found;
};
const connection = () => document.querySelector(".stream")?.textContent?.trim();
const text = () => document.body.textContent ?? "";
const labelled = (label: string) => document.querySelector<HTMLElement>(`[aria-label="${label}"]`);
const button = (name: string) =>
  [...document.querySelectorAll("button")].find((candidate) => candidate.textContent?.trim() === name);

const submit = () => document.querySelector("form.launch")?.dispatchEvent(new Event("submit", { cancelable: true }));

beforeEach(() => {
  FakeEventSource.opened = [];
  vi.stubGlobal("EventSource", FakeEventSource);
});
afterEach(() => {
  dispose();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe("the list", () => {
  it("shows who is here, what this install is called and what runs", async () => {
    show("/");
    await vi.waitFor(() => expect(labelled("Open lab-12345")?.getAttribute("href")).toBe("/proxy/server/lab-12345/"));
    expect(document.querySelector(".brand")?.textContent).toBe("team");
    expect(document.querySelector(".me")?.textContent).toBe("Ada");
    expect(document.title).toBe("team · GuildNet");
  });

  it("follows what the stream says: changes, departures, and a whole new list", async () => {
    show("/");
    await vi.waitFor(() => expect(text()).toContain("lab-12345"));
    const servers = stream("/sse/servers");
    servers.say("server", aServer({ id: "web-1", name: "web-1", status: "failed", reason: "ImagePullFailed", message: "No such tag." }));
    expect(text()).toContain("ImagePullFailed No such tag.");
    servers.say("server", aServer({ status: "stopped" }));
    expect(labelled("Open lab-12345")).toBeNull();
    expect(labelled("Start lab-12345")).not.toBeNull();
    servers.say("gone", { id: "web-1" });
    expect(text()).not.toContain("web-1");
    servers.say("synced", { full: true, ids: [] });
    expect(text()).toContain("Nothing runs here yet");
  });

  it("says when the cluster does not confirm the list, and when it does again", async () => {
    show("/");
    const servers = stream("/sse/servers");
    servers.accept();
    expect(connection()).toBe("Live");
    servers.say("stale", { seconds: 12 });
    expect(connection()).toBe("Old");
    servers.say("stale", { seconds: 0 });
    expect(connection()).toBe("Live");
    servers.say("stale", { seconds: 12 });
    servers.fail(false);
    expect(connection()).toBe("Reconnecting");
  });

  it("does not let a slow first list overwrite what the stream already told", async () => {
    let arrive!: (response: Response) => void;
    const late = new Promise<Response>((resolve) => (arrive = resolve));
    show("/", {}, { "/api/servers": late });
    stream("/sse/servers").say("server", aServer({ id: "new-1", name: "new-1" }));
    stream("/sse/servers").say("synced", { full: true, ids: ["new-1"] });
    arrive(Response.json([aServer({ id: "old-1", name: "old-1" })]));
    await vi.waitFor(() => expect(labelled("Stop new-1")).not.toBeNull());
    expect(text()).not.toContain("old-1");
  });

  it("says why there is no list", async () => {
    show("/", { "GET /api/servers": [503, { code: "unavailable", message: "The cluster does not answer." }] });
    await vi.waitFor(() => expect(document.querySelector('[role="alert"]')?.textContent).toBe("The cluster does not answer."));
  });

  it("asks a stranger for a token", async () => {
    show("/", { "GET /api/me": [200, { kind: "anonymous" }], "GET /api/servers": [403, { code: "forbidden", message: "no" }] });
    await vi.waitFor(() => expect(document.querySelector("form")?.getAttribute("action")).toBe("/login"));
  });

  it("hides what the caller certainly may not do", async () => {
    show("/", { "GET /api/me": [200, { ...ADA, actions: ["list"] }] });
    await vi.waitFor(() => expect(labelled("Open lab-12345")).not.toBeNull());
    expect(button("Launch")).toBeUndefined();
    expect(labelled("Delete lab-12345")).toBeNull();
  });

  it("stops and, after asking, deletes", async () => {
    show("/", {
      "POST /api/servers/lab-12345/stop": [202, aServer({ status: "stopped" })],
      "DELETE /api/servers/lab-12345": [409, { code: "conflict", message: "It is in use." }],
    });
    await vi.waitFor(() => expect(labelled("Stop lab-12345")).not.toBeNull());
    labelled("Stop lab-12345")?.click();
    await vi.waitFor(() => expect(labelled("Start lab-12345")).not.toBeNull());
    labelled("Delete lab-12345")?.click();
    expect(sent.some(({ method }) => method === "DELETE")).toBe(false);
    button("Delete")?.click();
    await vi.waitFor(() => expect(text()).toContain("lab-12345: It is in use."));
  });
});

describe("launching", () => {
  it("says which ports an image gets when none are given", async () => {
    show("/", { "GET /api/image-defaults?image=tsl0922%2Fttyd": [200, { ports: [{ port: 7681, name: "http" }] }] });
    await vi.waitFor(() => expect(button("Launch")).toBeDefined());
    button("Launch")?.click();
    expect(text()).toContain("Empty: 8080 and 8443");
    document.querySelector<HTMLInputElement>('input[value="custom"]')?.click();
    const image = document.querySelector<HTMLInputElement>('input[placeholder^="docker.io"]');
    if (!image) throw new Error("there is no field for the image");
    image.value = "tsl0922/ttyd";
    image.dispatchEvent(new InputEvent("input", { bubbles: true }));
    image.dispatchEvent(new Event("change", { bubbles: true }));
    await vi.waitFor(() => expect(text()).toContain("Empty: 7681"));
  });

  it("sends the preset and says what was made of it", async () => {
    show("/", { "POST /api/jobs": [202, { id: "jupyterlab-abcde", status: "pending" }] });
    await vi.waitFor(() => expect(button("Launch")).toBeDefined());
    button("Launch")?.click();
    submit();
    await vi.waitFor(() => expect(text()).toContain("jupyterlab-abcde is being launched."));
    expect(sent.at(-1)?.body).toEqual({ image: PRESET.image, presetsRef: "jupyterlab" });
    expect(document.querySelector("form.launch")).toBeNull();
  });

  it("shows the API's objection at its field and keeps what was typed", async () => {
    const details = [{ field: "resources.memory", reason: "not a quantity" }];
    show("/", { "POST /api/jobs": [400, { code: "invalid_spec", message: "See resources.memory.", details }] });
    await vi.waitFor(() => expect(button("Launch")).toBeDefined());
    button("Launch")?.click();
    submit();
    await vi.waitFor(() => expect(document.querySelector(".wrong .note")?.textContent).toBe("not a quantity"));
    expect(document.querySelector("details")?.hasAttribute("open")).toBe(true);
  });
});

describe("one server", () => {
  it("shows its state, its history and its log as it is written", async () => {
    show("/servers/lab-12345");
    await vi.waitFor(() => expect(text()).toContain("It answers."));
    const log = stream("/sse/logs");
    expect(log.url).toBe("/sse/logs?target=lab-12345&tail=500");
    log.say("message", { t: "2026-11-24T12:00:00Z", lvl: "error", msg: "\u001B[31mfailed\u001B[0m" });
    log.say("source", { pod: "lab-12345-x", restart: 1 });
    await vi.waitFor(() => expect(document.querySelector(".log-error span")?.textContent).toBe("failed"));
    expect(document.querySelector(".log-note")?.textContent).toBe("Container started anew, restart 1.");
  });

  it("says when there is none of that name", async () => {
    show("/servers/nobody-1");
    await vi.waitFor(() => expect(text()).toContain("There is no workspace nobody-1"));
  });
});

it("answers an unknown page with a way home", async () => {
  show("/nowhere");
  await vi.waitFor(() => expect(text()).toContain("There is no such page"));
});
