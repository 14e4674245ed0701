import { describe, expect, it, test } from "vitest";
import recorded from "../../../tests/unit/operator/golden/status.yaml?raw";
import type { Condition, Server, TimelineEvent } from "../api/types";
import { aServer } from "../test/fake-api";
import { advice, doubled, known, readable } from "./reasons";
import { duration, goDuration, happenings, timeline } from "./timeline";

const T0 = Date.parse("2026-11-24T12:00:00Z");
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString().replace(".000Z", "Z");

/** What the operator says in each of the states that its own tests have: `Type: 'Status Reason: message'`. */
function states(): Map<string, { phase: string; conditions: Condition[] }> {
  const found = new Map<string, { phase: string; conditions: Condition[] }>();
  const joined = recorded.replaceAll(/\n {4}/g, " ");
  for (const part of joined.split(/\n(?=\S)/)) {
    const [head = "", ...lines] = part.split("\n");
    const conditions: Condition[] = [];
    for (const line of lines) {
      const match = /^ {2}(\w+): '?(True|False|Unknown) (\w+): (.*?)'?$/.exec(line);
      if (match) conditions.push({ type: match[1]!, status: match[2]!, reason: match[3]!, message: match[4]!.replaceAll("''", "'"), lastTransitionTime: at(1) });
    }
    found.set(head.replace(/:$/, "").replaceAll(/^['"]|['"]$/g, ""), { phase: /phase: (\w+)/.exec(part)?.[1] ?? "", conditions });
  }
  return found;
}

const STATES = states();
const STATUS = { Running: "running", Failed: "failed", Pending: "pending", Stopped: "stopped", Terminating: "stopped" } as const;

function inState(name: string, over: Partial<Server> = {}): Server {
  const state = STATES.get(name);
  if (!state) throw new Error(`the operator has no state ${name}`);
  const status = STATUS[state.phase as keyof typeof STATUS] ?? "pending";
  return aServer({ status, created_at: at(0), conditions: state.conditions, ...over });
}

const shown = (server: Server, seconds: number) => timeline(server, T0 + seconds * 1000);
const marks = (server: Server, seconds: number) => shown(server, seconds).steps.map((step) => step.state.slice(0, 1)).join("");

test("the operator's recorded states are read", () => {
  expect(STATES.size).toBeGreaterThan(60);
  expect(STATES.get("running")?.conditions).toHaveLength(10);
});

describe("the steps of a start", () => {
  test.each([
    ["nothing made yet", "awwww"],
    ["being prepared", "ddaww"],
    ["starting", "dddaw"],
    ["running", "ddddd"],
    ["waits for a place", "fwwww"],
    ["unschedulable", "dfwww"],
    ["image cannot be pulled", "ddfww"],
    ["crash loop", "dddfw"],
    ["out of memory", "dddfw"],
    ["pod over quota", "fwwww"],
    ["its command is not in the image", "dddfw"],
    ["its claim has had no volume for a minute", "dfwww"],
    ["does not answer any more", "ddddf"],
  ])("%s: %s", (state, expected) => {
    expect(marks(inState(state), 60)).toBe(expected);
  });

  it("say how long each took, the pull to the millisecond", () => {
    const pod = "Pod/lab-12345-7d-x";
    const event = (t: number, reason: string, message = ""): TimelineEvent => ({ t: at(t), type: "Normal", reason, message, object: pod });
    const server = inState("running", {
      events: [
        { t: at(1), type: "Normal", reason: "SuccessfulCreate", message: "Created pod: lab-12345-7d-x", object: "ReplicaSet/lab-12345-7d" },
        event(1, "Scheduled"),
        event(2, "Pulling"),
        event(5, "Pulled", 'Successfully pulled image "a" in 3.104s (3.104s including waiting). Image size: 12 bytes.'),
        event(6, "Started"),
      ],
    });
    for (const condition of server.conditions ?? []) if (condition.type === "Ready") condition.lastTransitionTime = at(8);
    const found = shown(server, 100);
    expect(found.steps.map((step) => step.took)).toEqual([0, 0, 3104, 1000, 2000]);
    expect(found.total).toBe(7000);
    expect(found.now).toBe("answering");
  });

  it("counts the one that is under way until now, and says what it does", () => {
    const found = shown(inState("being prepared"), 31);
    expect(found.steps[2]).toMatchObject({ name: "image", state: "active", took: 30_000 });
    expect(found.now).toBe("getting its image");
    expect(found.total).toBeUndefined();
  });

  it("are those of this start, not of the one before the workspace was stopped", () => {
    const server = inState("being prepared");
    for (const condition of server.conditions ?? []) {
      if (condition.type === "Stopped") condition.lastTransitionTime = at(3600);
      if (condition.type === "Scheduled") condition.lastTransitionTime = at(3602);
    }
    const [accepted, scheduled, image] = shown(server, 3612).steps;
    expect(accepted?.from).toBe(T0 + 3_600_000);
    expect([scheduled?.took, image?.took]).toEqual([2000, 10_000]);
  });
});

describe("what is wrong", () => {
  test.each([
    ["image cannot be pulled", "ImagePullFailed", "settings"],
    ["unschedulable", "Unschedulable", "settings"],
    ["crash loop", "CrashLoop", "logs"],
    ["crash loop, running for the moment", "CrashLoop", "logs"],
    ["out of memory", "OutOfMemory", "settings"],
    ["pod over quota", "QuotaExceeded", "list"],
    ["its claim has had no volume for a minute", "StoragePending", "settings"],
    ["its claim has no volume yet", "StoragePending", "settings"],
    ["waits for a place", "LimitReached", "list"],
    ["does not answer any more", "NotAnswering", "logs"],
  ])("%s: %s, and the button leads to its %s", (state, reason, to) => {
    const { problem } = shown(inState(state), 60);
    expect(problem).toMatchObject({ reason, blocking: true, step: { to } });
    expect(problem?.words).not.toBe("");
    expect(problem?.next).toMatch(/[.?]$/);
  });

  it("is nothing while it is running, starting or stopped", () => {
    for (const state of ["running", "starting", "being prepared", "nothing made yet", "restarted once and well again"]) {
      expect(shown(inState(state), 60).problem, state).toBeUndefined();
    }
    expect(shown(inState("crash loop", { status: "stopped" }), 60).problem).toBeUndefined();
  });

  it("is not that a program which has just begun does not answer yet", () => {
    const server = inState("starting, and its probe keeps failing");
    expect(shown(server, 2).problem).toBeUndefined();
    expect(shown(server, 2).steps.map((step) => step.state).at(-1)).toBe("active");
    expect(shown(server, 20).problem?.reason).toBe("NotAnswering");
  });

  it("is beside a workspace that runs all the same", () => {
    const { problem, steps } = shown(inState("exposure refused"), 60);
    expect(problem).toMatchObject({ reason: "ExposureRefused", blocking: steps.at(-1)?.state !== "done" });
  });

  it("has advice for every reason that the operator calls degraded", () => {
    const reasons = new Set([...STATES.values()].flatMap(({ conditions }) => conditions.filter((c) => c.type === "Degraded" && c.status === "True").map((c) => c.reason)));
    expect([...reasons].filter((reason) => !known(reason ?? ""))).toEqual([]);
  });

  it("offers twice the memory that was not enough", () => {
    const { problem } = shown(inState("out of memory", { resources: { memory: "2Gi" } }), 60);
    expect(problem?.title).toBe("It ran out of memory: it may use 2 GiB.");
    expect(problem?.step).toEqual({ to: "settings", label: "Give it 4 GiB", field: "memory", value: "4Gi" });
  });

  it("names what no node has enough of", () => {
    const about = { name: "a", image: "b", message: "0/2 nodes are available: 2 Insufficient memory." };
    expect(advice("Unschedulable", about)).toMatchObject({ title: "No node has so much memory free.", step: { field: "memory" } });
    expect(advice("Unschedulable", { ...about, message: "1 Insufficient cpu, 1 Insufficient memory" }).title).toContain("CPU and memory");
    expect(advice("Unschedulable", { ...about, message: "untolerated taint" }).title).toContain("No node of the cluster");
  });

  it("tells a reason that it does not know in the cluster's words", () => {
    const found = advice("BrandNew", { name: "a", image: "b", message: "" });
    expect(found).toMatchObject({ title: "It is not as it should be: BrandNew.", step: { to: "command" } });
  });
});

test("events that repeat each other are one, at its latest time, newest first", () => {
  const event = (t: number, reason: string, count = 1): TimelineEvent => ({ t: at(t), type: "Warning", reason, message: "m", object: "Pod/a", count });
  expect(happenings([event(1, "BackOff", 2), event(2, "Failed"), event(3, "BackOff", 3)]).map((one) => [one.what, one.count, one.time])).toEqual([
    ["BackOff", 5, at(3)],
    ["Failed", 1, at(2)],
  ]);
});

test.each([[800, "0.8 s"], [3104, "3.1 s"], [2000, "2 s"], [9960, "10 s"], [59_000, "59 s"], [184_000, "3 min 4 s"], [7_200_000, "2 h 0 min"]])("%d ms is %s", (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

test.each([["3.104s", 3104], ["843ms", 843], ["1m2.5s", 62_500], ["1h0m3s", 3_603_000], ["soon", undefined]])("Go's %s", (text, expected) => {
  expect(goDuration(text as string)).toBe(expected);
});

test("quantities are doubled and made readable", () => {
  expect([doubled("512Mi"), doubled("1.5Gi"), doubled("lots"), doubled(undefined)]).toEqual(["1024Mi", "3Gi", undefined, undefined]);
  expect([readable("2Gi"), readable("500m")]).toEqual(["2 GiB", "500m"]);
});
