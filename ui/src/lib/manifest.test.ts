import { expect, test } from "vitest";
import { aServer } from "../test/fake-api";
import { manifest, yaml } from "./manifest";

test.each([
  ["a: plain", { a: "plain" }],
  ['a: "yes"', { a: "yes" }],
  ['a: "8080"', { a: "8080" }],
  ["a: 8080", { a: 8080 }],
  ['a: ""', { a: "" }],
  ['a: "x: y"', { a: "x: y" }],
  ["a: --base=$(X)", { a: "x".replace("x", "--base=$(X)") }],
  ["a:\n  - b\n  - c: 1\n    d: 2", { a: ["b", { c: 1, d: 2 }] }],
  ["a: []\nb: {}", { a: [], b: {} }],
  ["a: |-\n  one\n\n  two", { a: "one\n\ntwo" }],
])("%s", (expected, value) => {
  // A dash at the beginning may open a list: quoted, whatever follows it.
  expect(yaml(value).trimStart()).toBe(expected.replace("a: --base=$(X)", 'a: "--base=$(X)"'));
});

test("a workspace is what kubectl apply takes, without its secrets", () => {
  const server = aServer({
    status: "stopped", command: ["serve"], args: ["--port=1"], env: { TZ: "UTC", TOKEN: "********" }, ports: [{ port: 8888, name: "http", pathMode: "Preserve" }],
    resources: { cpu: "500m", memory: "2Gi" }, storage: { size: "10Gi" }, labels: { team: "data" }, notes: "for May",
  });
  expect(manifest(server)).toBe(`apiVersion: guildnet.io/v1alpha1
kind: Workspace
metadata:
  name: lab-12345
  labels:
    team: data
spec:
  image: guildnet/jupyterlab:1
  command:
    - serve
  args:
    - "--port=1"
  env:
    - name: TZ
      value: UTC
    - name: TOKEN
      # its value is secret and not shown
  ports:
    - name: http
      containerPort: 8888
      pathMode: Preserve
  resources:
    requests:
      cpu: 500m
      memory: 2Gi
    limits:
      memory: 2Gi
  storage:
    size: 10Gi
  running: false
  notes: for May
`);
});
