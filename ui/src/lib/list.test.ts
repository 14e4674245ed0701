import { describe, expect, it, test } from "vitest";
import { aServer } from "../test/fake-api";
import { found, type Entry } from "./palette";
import { hue, initials, plainName, shortName } from "./people";
import { completions, matchesQuery, parseQuery } from "./query";
import { readable, size, summary } from "./summary";
import { comparing, parseSort, sortText } from "./sort";
import { visibleRows } from "./window";

const ME = "ada@example.com";
const LAB = aServer({ id: "lab", name: "lab", owner: ME, image: "guildnet/jupyterlab:1", status: "running", files: "kept", node: "node-a", ports: [{ port: 8888, name: "http" }] });
const WEB = aServer({ id: "web", name: "web", owner: "bob@example.com", image: "docker.io/library/nginx:1.29", status: "failed", reason: "CrashLoop", files: "lost on stop", notes: "for the demo" });
const BIG = aServer({ id: "big", name: "big", image: "acme/tool", status: "pending" });
const meant = (query: string) =>
  [LAB, WEB, BIG].filter((server) => matchesQuery(parseQuery(query), server, ME)).map(({ id }) => id);

const labels = (text: string) => completions(text, [LAB, WEB, BIG]).map(({ label }) => label);
const sorted = (text: string) => [LAB, WEB, BIG].toSorted(comparing(parseSort(text))).map(({ id }) => id);
const entry = (label: string): Entry => ({ icon: "box", label, act: () => undefined });

describe("a query", () => {
  it.each([
    ["", ["lab", "web", "big"]],
    ["  ", ["lab", "web", "big"]],
    ["owner:me", ["lab"]],
    ["OWNER:Bob", ["web"]],
    ["status:failed", ["web"]],
    ["status:starting", ["big"]],
    ["status:failed,running", ["lab", "web"]],
    ["-status:failed", ["lab", "big"]],
    ["image:jupyter", ["lab"]],
    ["nginx:1.29", ["web"]],
    ["demo", ["web"]],
    ['"the demo"', ["web"]],
    ['"demo the"', []],
    ["crash", ["web"]],
    ["-lab", ["web", "big"]],
    ["node:a status:running", ["lab"]],
    ["files:lost", ["web"]],
    ["files:kept", ["lab"]],
    ["port:8888", ["lab"]],
    ["port:http", ["lab"]],
    ["port:88", []],
    ["owner:me status:failed", []],
    ["status:", ["lab", "web", "big"]],
    ["status:nonsense", []],
    ['owner:"bob@example.com"', ["web"]],
    ['"open quote', []],
  ])("%j means %j", (query, expected) => {
    expect(meant(query)).toEqual(expected);
  });

  it("that says me means nobody while it is not known who asks", () => {
    expect(matchesQuery(parseQuery("owner:me"), LAB, undefined)).toBe(false);
    expect(matchesQuery(parseQuery("owner:me"), BIG, undefined)).toBe(false);
  });
});

describe("ways to go on with a query", () => {
  it("begin with the keys there are", () => {
    expect(labels("").slice(0, 3)).toEqual(["owner:", "status:", "image:"]);
    expect(labels("lab n")).toEqual(["name:", "node:"]);
    expect(labels("-st")).toEqual(["-status:"]);
  });

  it("go on with the values that workspaces have, the most frequent first", () => {
    expect(labels("owner:")).toEqual(["owner:me", "owner:ada@example.com", "owner:bob@example.com"]);
    expect(labels("status:f")).toEqual(["status:failed"]);
    expect(labels("status:failed,ru")).toEqual(["status:failed,running"]);
    expect(labels("image:")).toEqual(["image:jupyterlab", "image:nginx", "image:tool"]);
  });

  it("keep what stands before, and end with a space", () => {
    expect(completions("demo -status:fa", [WEB])[0]?.text).toBe("demo -status:failed ");
  });

  it("are none where the text is no key", () => {
    expect(labels("lab ")).toEqual([]);
    expect(labels("nginx:1")).toEqual([]);
  });
});

describe("an order", () => {
  it.each([
    ["name", ["big", "lab", "web"]],
    ["-name", ["web", "lab", "big"]],
    ["status", ["web", "big", "lab"]],
    ["nonsense", ["big", "lab", "web"]],
  ])("%s", (text, expected) => {
    expect(sorted(text)).toEqual(expected);
  });

  it("is newest first where nothing is said, and then not in the address", () => {
    const [old, young] = [aServer({ id: "a", created_at: "2026-01-01" }), aServer({ id: "b", created_at: "2026-02-01" })];
    expect([old, young].toSorted(comparing(parseSort(undefined)))).toEqual([young, old]);
    expect(sortText(parseSort(undefined))).toBeUndefined();
    expect(sortText(parseSort("-status"))).toBe("-status");
  });
});

test.each([
  [aServer({ status: "running" }), ""],
  [aServer({ status: "stopped", files: "kept", reason: "Stopped", message: "The workspace is stopped: set spec.running to true" }), "Files kept"],
  [aServer({ status: "failed", image: "nosuch.example.com/foo:bar", reason: "ImagePullFailed", message: "Back-off …" }), "Image not found in nosuch.example.com"],
  [aServer({ status: "failed", image: "foo:bar", reason: "ImagePullFailed" }), "Image not found in docker.io"],
  [aServer({ status: "pending", reason: "Unschedulable", message: "0/2 nodes are available: 2 Insufficient cpu, 1 Insufficient memory." }), "No node has room: too little CPU and memory"],
  [aServer({ status: "failed", reason: "OutOfMemory", resources: { memory: "2Gi" } }), "Ran out of memory (2 GiB)"],
  [aServer({ status: "pending", reason: "Starting", message: "Wait." }), ""],
  [aServer({ status: "failed", reason: "SomethingNew", message: "It is odd. Look at it." }), "It is odd"],
  [aServer({ status: "failed", reason: "SomethingNew" }), "SomethingNew"],
])("the one line of %o", (server, expected) => {
  expect(summary(server)).toBe(expected);
});

test.each([
  ["500m", "0.5"],
  ["64", "64"],
  ["2Gi", "2 GiB"],
  ["100M", "100 MB"],
  ["odd!", "odd!"],
])("%s reads %s", (quantity, expected) => {
  expect(readable(quantity)).toBe(expected);
});

test("sizes say which number is which", () => {
  expect(size(aServer({ resources: { cpu: "64" } }))).toBe("64 CPU");
  expect(size(aServer({ resources: { cpu: "50m", memory: "2Gi" } }))).toBe("0.05 CPU · 2 GiB");
  expect(size(aServer())).toBe("");
});

test("a program is called by the last part of its name, a person by all of it", () => {
  expect(plainName("system:serviceaccount:guildnet:guildnet-admin")).toBe("guildnet-admin");
  expect(plainName("node:build-host")).toBe("build-host");
  expect(plainName("alice.smith@example.com")).toBe("alice.smith@example.com");
  expect(plainName("Ada Lovelace: on call")).toBe("Ada Lovelace: on call");
});

test.each([
  ["alice.smith@example.com", "alice.smith", "AS"],
  ["bob", "bob", "BO"],
  ["token:system:serviceaccount:guildnet:ci-runner", "ci-runner", "CR"],
  ["", "", "?"],
])("%s is called %s, %s", (owner, name, letters) => {
  expect(shortName(owner)).toBe(name);
  expect(initials(owner)).toBe(letters);
  expect(hue(owner)).toBe(hue(owner));
});

describe("the rows on the screen", () => {
  it.each([
    [{ total: 10, top: 0 }, { from: 0, to: 10 }],
    [{ total: 1000, top: 0 }, { from: 0, to: 24 }],
    [{ total: 1000, top: -4800 }, { from: 92, to: 124 }],
    [{ total: 1000, top: -4850 }, { from: 92, to: 124 }],
    [{ total: 1000, top: -48_000 }, { from: 992, to: 1000 }],
    [{ total: 0, top: 0 }, { from: 0, to: 0 }],
  ])("of %o are %o", ({ total, top }, expected) => {
    expect(visibleRows(total, 48, top, 16 * 48, 6)).toEqual(expected);
  });
});

test("what is found begins with the word, then has it at a word's beginning, then anywhere", () => {
  const entries = ["my-lab", "collab", "lab", "other"].map(entry);
  expect(found(entries, "lab", 9).map(({ label }) => label)).toEqual(["lab", "my-lab", "collab"]);
  expect(found(entries, "lab my", 9).map(({ label }) => label)).toEqual(["my-lab"]);
  expect(found(entries, "", 2)).toHaveLength(2);
});
