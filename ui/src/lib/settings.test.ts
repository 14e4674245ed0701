import { describe, expect, it, test } from "vitest";
import { aServer } from "../test/fake-api";
import { effectOf, fieldProblems, MASK, merge, patchOf, settingsOf, takeTheirs, type Settings } from "./settings";

const SERVER = aServer({
  resources: { cpu: "500m", memory: "1Gi" },
  storage: { size: "10Gi" },
  files: "kept",
  ports: [{ port: 8888, name: "http" }, { port: 9000, name: "p-9000" }],
  command: ["sh", "-c", "exec it"],
  args: ["--a", "b c"],
  env: { TZ: "UTC", API_TOKEN: MASK },
  labels: { team: "data" },
  notes: "for May",
});
const BEFORE = settingsOf(SERVER);
const patch = (over: Partial<Settings>) => patchOf(BEFORE, { ...BEFORE, ...over });

test("the settings are what the API tells, as they are typed", () => {
  expect(BEFORE).toEqual({
    image: "guildnet/jupyterlab:1", cpu: "500m", memory: "1Gi", storage: "10Gi", ports: "8888:http, 9000", command: "sh -c 'exec it'", args: "--a\nb c",
    env: [{ name: "TZ", value: "UTC", secret: false }, { name: "API_TOKEN", value: MASK, secret: true }], labels: "team=data", exposure: "", domain: "", notes: "for May",
  });
});
const effect = (over: Partial<Settings>, server = SERVER) => effectOf(server, patch(over).patch);

describe("a patch", () => {
  it("is empty when nothing was changed", () => {
    expect(patch({})).toEqual({ patch: {}, problems: {} });
    expect(patch({ image: ` ${BEFORE.image} ` }).patch).toEqual({});
  });

  test.each([
    [{ memory: "2Gi" }, { resources: { memory: "2Gi" } }],
    [{ cpu: "" }, { resources: { cpu: null } }],
    [{ storage: "" }, { storage: null }],
    [{ storage: "20Gi" }, { storage: { size: "20Gi" } }],
    [{ ports: "8888:http" }, { expose: [{ port: 8888, name: "http" }] }],
    [{ ports: "" }, { expose: null }],
    [{ args: "" }, { args: null }],
    [{ command: `sh -c "exec other"` }, { command: ["sh", "-c", "exec other"] }],
    [{ command: " " }, { command: null }],
    [{ exposure: "LoadBalancer" }, { exposure: { type: "LoadBalancer" } }],
    [{ exposure: "Ingress", domain: "a.b" }, { exposure: { type: "Ingress", domain: "a.b" } }],
    [{ labels: "team=ml\nx=1" }, { labels: { team: "ml", x: "1" } }],
    [{ labels: "" }, { labels: { team: null } }],
    [{ notes: "" }, { notes: null }],
    [{ env: [...BEFORE.env, { name: "KEY", value: "k", secret: true }] }, { env: { KEY: { value: "k", secret: true } } }],
    [{ env: [{ name: "TZ", value: "CET", secret: false }, BEFORE.env[1]!] }, { env: { TZ: "CET" } }],
    [{ env: [BEFORE.env[0]!] }, { env: { API_TOKEN: null } }],
  ] as [Partial<Settings>, object][])("of %j is %j", (over, expected) => {
    expect(patch(over)).toEqual({ patch: expected, problems: {} });
  });

  test.each([
    [{ image: "  " }, "image"],
    [{ ports: "http" }, "ports"],
    [{ ports: "70000" }, "ports"],
    [{ labels: "team" }, "labels"],
    [{ command: "sh -c 'open" }, "command"],
    [{ env: [{ name: "A-B", value: "1", secret: false }] }, "env"],
    [{ env: [{ name: "A", value: "1", secret: false }, { name: "A", value: "2", secret: false }] }, "env"],
    [{ env: [{ name: "", value: "1", secret: false }] }, "env"],
  ] as [Partial<Settings>, string][])("of %j is refused at %s", (over, field) => {
    expect(Object.keys(patch(over).problems)).toEqual([field]);
  });
});

describe("what saving does", () => {
  it("is said of a restart, with what becomes of the files", () => {
    expect(effect({ memory: "2Gi", image: "x" })).toEqual({ restarts: true, loses: false, text: "It restarts, for a new image and CPU and memory: programs in it end. Its files are kept." });
    expect(effect({ memory: "2Gi" }, { ...SERVER, files: "lost on stop" })?.loses).toBe(true);
  });

  it("is no restart for notes, labels and a larger volume", () => {
    expect(effect({ notes: "x" })).toMatchObject({ restarts: false, text: "Nothing restarts." });
    expect(effect({ storage: "20Gi" })?.text).toContain("it never shrinks");
    expect(effect({ storage: "" })?.restarts).toBe(true);
    expect(effect({})).toBeUndefined();
  });

  it("waits for the next start of one that is stopped", () => {
    expect(effect({ memory: "2Gi" }, { ...SERVER, status: "stopped" })).toMatchObject({ restarts: false });
  });
});

describe("two changes at once", () => {
  const mine = { ...BEFORE, memory: "4Gi", notes: "mine", env: [...BEFORE.env, { name: "A", value: "1", secret: true }] };
  const theirs = { ...BEFORE, memory: "8Gi", cpu: "2", labels: "team=data\nnew=1", env: [{ name: "TZ", value: "CET", secret: false }, BEFORE.env[1]!] };

  it("are put together where they do not touch the same field, and shown where they do", () => {
    const { merged, conflicts } = merge(BEFORE, mine, theirs);
    expect(conflicts).toEqual([{ path: "memory", label: "Memory", was: "1Gi", mine: "4Gi", theirs: "8Gi" }]);
    expect(merged).toMatchObject({ memory: "4Gi", cpu: "2", notes: "mine", labels: "team=data\nnew=1" });
    expect(patchOf(theirs, merged).patch).toEqual({ resources: { memory: "4Gi" }, notes: "mine", env: { A: { value: "1", secret: true } } });
    expect(takeTheirs(merged, theirs, "memory").memory).toBe("8Gi");
  });

  it("that are the same are no conflict", () => {
    expect(merge(BEFORE, { ...BEFORE, cpu: "2" }, { ...BEFORE, cpu: "2" }).conflicts).toEqual([]);
  });

  it("meet in one variable alone, not in all of them", () => {
    const other = { ...BEFORE, env: [{ name: "TZ", value: "GMT", secret: false }, BEFORE.env[1]!] };
    const { conflicts } = merge(BEFORE, other, theirs);
    expect(conflicts.map((one) => [one.label, one.mine, one.theirs])).toEqual([["Environment TZ", "GMT", "CET"]]);
    expect(takeTheirs(other, theirs, "env.TZ").env[0]?.value).toBe("CET");
  });
});

test("objections of the API go to their fields", () => {
  const details = [{ field: "resources.memory", reason: "m" }, { field: "expose[0].port", reason: "p" }, { field: "env.A", reason: "e" }, { field: "colour", reason: "c" }];
  expect(fieldProblems(details)).toEqual({ problems: { memory: "m", ports: "p", env: "env.A: e" }, rest: "colour: c" });
});
