import { describe, expect, it, test } from "vitest";
import { isDotenv, looksSecret, parseDotenv } from "../lib/dotenv";
import { splitWords } from "../lib/words";
import { aServer } from "../test/fake-api";
import { EMPTY, fieldProblems, fromAddress, fromServer, problemsOf, toJob, type Fields } from "./form";
import { launchLine, launchManifest } from "./same";

const PRESETS = [
  { label: "JupyterLab", name: "jupyterlab", image: "guildnet/jupyterlab:1", ports: [{ port: 8888, name: "http" }], env: { TOKEN: "********" } },
  { label: "VS Code", name: "vs-code", image: "guildnet/code-server:1" },
];
const CUSTOM: Fields = { ...EMPTY, image: "nginx:1" };
const FULL: Fields = {
  ...CUSTOM,
  name: "web",
  env: [
    { name: "A", value: "1", secret: false },
    { name: " API_TOKEN ", value: "s3", secret: true },
    { name: "", value: "", secret: false },
  ],
  ports: [
    { port: "80", name: "" },
    { port: " 8443", name: "tls" },
    { port: "", name: "" },
  ],
  cpu: "1",
  memory: "1Gi",
  size: "5Gi",
  command: `sh -c 'echo "a b"'`,
  args: "one\ntwo words\n",
  labels: [{ key: "team", value: "data" }],
  notes: "for the demo",
};
const JOB = {
  image: "nginx:1",
  name: "web",
  env: { A: "1", API_TOKEN: { value: "s3", secret: true } },
  expose: [{ port: 80 }, { port: 8443, name: "tls" }],
  resources: { cpu: "1", memory: "1Gi" },
  storage: { size: "5Gi" },
  command: ["sh", "-c", 'echo "a b"'],
  args: ["one", "two words"],
  labels: { team: "data" },
  notes: "for the demo",
};

describe("a launch", () => {
  it("sends no more than was typed", () => {
    expect(toJob({ ...EMPTY, preset: "jupyterlab" }, PRESETS)).toEqual({ image: "guildnet/jupyterlab:1", presetsRef: "jupyterlab" });
  });

  it("sends everything that was typed", () => {
    expect(toJob(FULL, PRESETS)).toEqual(JOB);
  });

  it("says no to a volume only where that was chosen", () => {
    expect(toJob({ ...CUSTOM, keep: false, size: "5Gi" }, PRESETS).storage).toBeNull();
    expect("storage" in toJob(CUSTOM, PRESETS)).toBe(false);
  });
});

describe("a problem", () => {
  it.each([
    [{ image: "" }, "image", "Which image?"],
    [{ image: "a b" }, "image", "not an image reference"],
    [{ cpu: "lots" }, "cpu", "like 500m"],
    [{ size: "lots" }, "size", "like 500m, 2 or 1Gi"],
    [{ ports: [{ port: "http", name: "" }] }, "ports", "“http” is not a port"],
    [{ ports: [{ port: "70000", name: "" }] }, "ports", "row 1: at most 65535"],
    [{ ports: [{ port: "80", name: "" }, { port: "80", name: "" }] }, "ports", "given twice"],
    [{ env: [{ name: "1A", value: "", secret: false }] }, "env", "a name is letters"],
    [{ env: [{ name: "", value: "x", secret: false }] }, "env", "without a name"],
    [{ env: [{ name: "A", value: "x", secret: false }, { name: "A", value: "y", secret: false }] }, "env", "twice"],
    [{ env: [{ name: "A", value: "********", secret: true }] }, "env", "type it again"],
    [{ labels: [{ key: "guildnet.io/x", value: "" }] }, "labels", "GuildNet's own"],
    [{ command: "sh -c 'open" }, "command", "not closed"],
    [{ notes: "x".repeat(5000) }, "notes", "at most 4096"],
  ] as const)("of %o is told at %s: %s", (over, field, words) => {
    const problems = problemsOf({ ...CUSTOM, ...over } as Fields, PRESETS);
    expect(Object.keys(problems)).toEqual([field]);
    expect(problems[field]).toContain(words);
  });

  it("is none where all is well, or a secret is the preset's own", () => {
    expect(problemsOf(FULL, PRESETS)).toEqual({});
    const own = { ...EMPTY, preset: "jupyterlab", env: [{ name: "TOKEN", value: "********", secret: true }] };
    expect(problemsOf(own, PRESETS)).toEqual({});
  });

  it("of the API is put to the field it is about", () => {
    const details = [
      { field: "expose[0].port", reason: "p" },
      { field: "resources.memory", reason: "m" },
      { field: "env.FOO.value", reason: "e" },
      { field: "storage", reason: "s" },
      { field: "tea", reason: "t" },
    ];
    expect(fieldProblems(details)).toEqual({ problems: { ports: "row 1: p", memory: "m", env: "e", size: "s" }, rest: "tea: t" });
  });
});

const at = (search: string) => fromAddress(new URLSearchParams(search), PRESETS);

describe("a form", () => {
  it("begins with what an address says", () => {
    expect(at("").preset).toBe("jupyterlab");
    expect(at("preset=vs-code&name=thesis")).toEqual({ ...EMPTY, preset: "vs-code", name: "thesis" });
    expect(at("image=guildnet/code-server:1").preset).toBe("vs-code");
    expect(at("image=nginx:1")).toEqual(CUSTOM);
    expect(at("image=")).toEqual(EMPTY);
  });

  it("asks for a way past GuildNet, and for a domain of an Ingress only", () => {
    const exposed = (exposure: Fields["exposure"], domain: string) => toJob({ ...CUSTOM, exposure, domain }, PRESETS).exposure;
    expect(exposed("", "a.b")).toBeUndefined();
    expect(exposed("LoadBalancer", "a.b")).toEqual({ type: "LoadBalancer" });
    expect(exposed("Ingress", " ")).toEqual({ type: "Ingress" });
    expect(exposed("Ingress", "apps.example.com")).toEqual({ type: "Ingress", domain: "apps.example.com" });
    expect(problemsOf({ ...CUSTOM, exposure: "Ingress", domain: "A_b" }, PRESETS)).toEqual({ domain: "not a DNS name like apps.example.com" });
    const job = { image: "nginx:1", exposure: { type: "Ingress", domain: "a.b" } } as const;
    expect(launchLine(job)).toContain("--exposure Ingress:a.b");
    expect(launchManifest(job, PRESETS)).toContain("exposure:\n    type: Ingress\n    domain: a.b\n");
    expect(fromServer(aServer({ exposure: { type: "Ingress", domain: "a.b" } }), [])).toMatchObject({ exposure: "Ingress", domain: "a.b" });
  });

  it("is that of a workspace that there is, but for its secrets", () => {
    const server = aServer({
      image: "nginx:1",
      name: "web-0a1b2",
      ports: [{ port: 80, name: "p-80" }, { port: 8443, name: "tls" }],
      env: { A: "1", API_TOKEN: "********" },
      resources: { cpu: "1", memory: "1Gi" },
      storage: { size: "5Gi" },
      command: ["sh", "-c", 'echo "a b"'],
      args: ["one", "two words"],
      labels: { team: "data" },
      notes: "for the demo",
    });
    const fields = fromServer(server, PRESETS);
    const typed = { ...fields, env: fields.env.map((row) => (row.secret ? { ...row, value: "s3" } : row)) };
    expect(problemsOf(fields, PRESETS).env).toContain("type it again");
    expect(toJob(typed, PRESETS)).toEqual(JOB);
    const below = aServer({ image: "ttyd:1", ports: [{ port: 7681, name: "http", pathMode: "Preserve" }] });
    expect(toJob(fromServer(below, PRESETS), PRESETS).expose).toEqual([{ port: 7681, name: "http", pathMode: "Preserve" }]);
    expect(fromServer(aServer({ image: "guildnet/jupyterlab:1", presetsRef: "jupyterlab" }), PRESETS).preset).toBe("jupyterlab");
  });
});

test("the same as a line to type has no secret in it", () => {
  expect(launchLine(JOB)).toBe(
    `guildnet launch nginx:1 --name web --cpu 1 --memory 1Gi --storage 5Gi -p 80 -p 8443:tls -e A=1 -e API_TOKEN="$API_TOKEN" ` +
      String.raw`-l team=data --command 'sh -c '\''echo "a b"'\''' --arg=one --arg='two words' --notes 'for the demo'`,
  );
  expect(launchLine({ image: "nginx" })).toBe("guildnet launch nginx:latest");
  expect(launchLine({ image: "x", presetsRef: "jupyterlab", storage: null })).toBe("guildnet launch jupyterlab --storage none");
});

test("the same as a Workspace has what the preset says, and no secret", () => {
  const text = launchManifest({ image: "guildnet/jupyterlab:1", presetsRef: "jupyterlab", name: "My Lab" }, PRESETS);
  expect(text).toContain("name: my-lab\n");
  expect(text).toContain("containerPort: 8888");
  expect(text).toContain("secretKeyRef");
  expect(launchManifest(JOB, PRESETS)).not.toContain("s3");
});

test.each([
  ["", []],
  ["a  b", ["a", "b"]],
  [`a 'b c' "d e"`, ["a", "b c", "d e"]],
  [String.raw`a\ b "c\"d"`, ["a b", 'c"d']],
  [`''`, [""]],
  [`--x='y z'`, ["--x=y z"]],
  ["'open", undefined],
  ["back\\", undefined],
])("the words of %j are %j", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

describe("a pasted .env", () => {
  it("is read as the tools that write it mean it", () => {
    const text = `# a comment
export A=1
B = two words # said
C="x # y\\nz"
D='$raw'

E=
F="over
two lines"
not a line`;
    expect(parseDotenv(text)).toEqual([
      { name: "A", value: "1" },
      { name: "B", value: "two words" },
      { name: "C", value: "x # y\nz" },
      { name: "D", value: "$raw" },
      { name: "E", value: "" },
      { name: "F", value: "over\ntwo lines" },
    ]);
  });

  it.each([
    ["A=1\nB=2", true],
    ["# x\nA=1", true],
    ["API_TOKEN=x", true],
    ["a=b", false],
    ["just words", false],
    ["two\nlines", false],
  ])("%j: %s", (text, expected) => {
    expect(isDotenv(text)).toBe(expected);
  });

  it.each([["API_TOKEN", true], ["PGPASSWORD", true], ["SSH_KEY", true], ["MODE", false], ["KEYBOARD", false]])("takes %s for a secret: %s", (name, expected) => {
    expect(looksSecret(name)).toBe(expected);
  });
});
