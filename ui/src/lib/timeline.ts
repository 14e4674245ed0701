import type { Condition, Server, TimelineEvent } from "../api/types";
import { advice, type Advice } from "./reasons";

export type StepState = "done" | "active" | "waiting" | "failed";

/** One step of a start. Times are Unix milliseconds. */
export interface StartStep {
  name: "accepted" | "scheduled" | "image" | "started" | "answering";
  label: string;
  state: StepState;
  /** When it began: when the one before was done. */
  from?: number;
  /** When it was done. */
  at?: number;
  /** How long it took, milliseconds, as far as it is known; of one that is not done: until now. */
  took?: number;
}

export interface Problem extends Advice {
  reason: string;
  /** The cluster's own words. */
  words: string;
  /** Whether it keeps the workspace from running; else it is beside it. */
  blocking: boolean;
}

export interface Timeline {
  steps: readonly StartStep[];
  problem?: Problem;
  /** From the beginning of the start until it answered, milliseconds; undefined until then. */
  total?: number;
  /** What it does now, in a few words. */
  now: string;
}

const LABELS = {
  accepted: "Accepted",
  scheduled: "Placed on a node",
  image: "Image there",
  started: "Program started",
  answering: "Answers",
} as const;
const DOING = {
  accepted: "being accepted",
  scheduled: "being placed on a node",
  image: "getting its image",
  started: "starting its program",
  answering: "started; waiting for its first answer",
} as const;
const NAMES = ["accepted", "scheduled", "image", "started", "answering"] as const;

/** Reasons of Ready that every start passes through. */
const PASSING = new Set(["Starting", "Creating", "ServicePending", "Stopped", "Stopping", "Terminating", "Ready", "Updating"]);
/** A start has these for a moment; they are a problem where they stay. Milliseconds. */
const PATIENCE: Readonly<Record<string, number>> = {
  NotAnswering: 15_000,
  StoragePending: 8_000,
  PredecessorLeaving: 8_000,
  ChildLeaving: 8_000,
  Unavailable: 3_000,
};
/** Which step a reason is about. */
const AT_STEP: Readonly<Record<string, StartStep["name"]>> = {
  LimitReached: "accepted",
  QuotaExceeded: "accepted",
  Refused: "accepted",
  NameTaken: "accepted",
  PodSecurityRefused: "accepted",
  SecretRefused: "accepted",
  TooLarge: "accepted",
  Forbidden: "accepted",
  Unschedulable: "scheduled",
  StoragePending: "scheduled",
  Pending: "scheduled",
  ImagePullFailed: "image",
  ContainerConfiguration: "started",
  VolumeNotMounted: "image",
  SandboxFailed: "image",
  CrashLoop: "started",
  OutOfMemory: "started",
  NotAnswering: "answering",
  StartDeadlineExceeded: "answering",
};

/** How far a workspace is on its way to answering, and what is in its way. Pure: `now` is Unix milliseconds. */
export function timeline(server: Server, now: number): Timeline {
  const facts = new Facts(server);
  const problem = problemOf(server, facts, now);
  const steps = stepsOf(facts, server, problem, now);
  const last = steps.at(-1);
  const first = steps[0];
  const total = last?.at !== undefined && first?.from !== undefined ? last.at - first.from : undefined;
  return { steps, now: doing(server, steps), ...(problem ? { problem } : {}), ...(total === undefined ? {} : { total }) };
}

/** What conditions and events say of the present start. */
class Facts {
  readonly #conditions: ReadonlyMap<string, Condition>;
  readonly #events: readonly TimelineEvent[];
  /** When this start began. */
  readonly began: number | undefined;

  constructor(server: Server) {
    this.#conditions = new Map((server.conditions ?? []).map((condition) => [condition.type, condition]));
    const all = server.events ?? [];
    const pod = all.findLast((event) => event.object.startsWith("Pod/") && event.reason === "Scheduled")?.object;
    const made = pod && all.findLast((event) => event.reason === "SuccessfulCreate" && event.message.includes(pod.slice(4)));
    this.#events = pod ? all.filter((event) => event.object === pod) : [];
    const stopped = this.condition("Stopped");
    const started = stopped?.status === "False" ? ms(stopped.lastTransitionTime) : undefined;
    this.began = latest(ms(server.created_at), started, made ? ms(made.t) : undefined);
  }

  condition(type: string): Condition | undefined {
    return this.#conditions.get(type);
  }

  is(type: string): boolean {
    return this.condition(type)?.status === "True";
  }

  event(reason: string): TimelineEvent | undefined {
    return this.#events.findLast((event) => event.reason === reason);
  }

  /** When this condition became true; undefined where that was before this start. */
  since(type: string): number | undefined {
    const found = this.condition(type);
    const at = found?.status === "True" ? ms(found.lastTransitionTime) : undefined;
    return at !== undefined && (this.began === undefined || at >= this.began) ? at : undefined;
  }

  when(reason: string): number | undefined {
    const at = ms(this.event(reason)?.t);
    return at !== undefined && (this.began === undefined || at >= this.began) ? at : undefined;
  }
}

function stepsOf(facts: Facts, server: Server, problem: Problem | undefined, now: number): StartStep[] {
  const [ready, image, scheduled] = [facts.is("Ready"), facts.is("ImagePulled"), facts.is("Scheduled")];
  const started = facts.event("Started");
  const done: Record<StartStep["name"], boolean> = {
    accepted: scheduled || facts.condition("Scheduled")?.reason !== "NoPod" || ready,
    scheduled,
    image,
    started: ready || (image && (started !== undefined || facts.condition("Ready")?.reason === "NotAnswering")),
    answering: ready,
  };
  const at: Record<StartStep["name"], number | undefined> = {
    accepted: facts.when("SuccessfulCreate") ?? (done.accepted ? facts.began : undefined),
    scheduled: facts.when("Scheduled") ?? facts.since("Scheduled"),
    image: facts.when("Pulled") ?? facts.since("ImagePulled"),
    started: facts.when("Started"),
    answering: facts.since("Ready"),
  };
  const stopped = server.status === "stopped";
  const failing = problem?.blocking ? AT_STEP[problem.reason] : undefined;
  // What fails at a step has passed those before it, whatever is still known of them.
  for (const name of NAMES.slice(0, failing ? NAMES.indexOf(failing) : 0)) done[name] = true;
  const steps: StartStep[] = [];
  let before = facts.began;
  let reached = !stopped;
  for (const name of NAMES) {
    const here = name === failing || (problem?.blocking && !failing && reached && !done[name]);
    const state: StepState = !reached ? "waiting" : here ? "failed" : done[name] ? "done" : "active";
    const end = state === "done" ? later(at[name], before) : undefined;
    const waits = (state === "active" || state === "failed") && before !== undefined;
    const took = state === "done" ? pulled(name, facts, end, before) : waits ? Math.max(0, now - (before ?? now)) : undefined;
    steps.push({
      name,
      label: LABELS[name],
      state,
      ...(before === undefined ? {} : { from: before }),
      ...(end === undefined ? {} : { at: end }),
      ...(took === undefined ? {} : { took }),
    });
    if (state !== "done") reached = false;
    before = end ?? before;
  }
  return steps;
}

/** How long a step took. The kubelet says of a pull how long it was, to the millisecond; other times are whole seconds. */
function pulled(name: StartStep["name"], facts: Facts, end: number | undefined, from: number | undefined): number | undefined {
  const said = name === "image" ? /\bin ((?:\d+m)?[\d.]+m?s)\b/.exec(facts.event("Pulled")?.message ?? "")?.[1] : undefined;
  const exact = said ? goDuration(said) : undefined;
  return exact ?? (end !== undefined && from !== undefined ? end - from : undefined);
}

/** `1m2.5s`, `843ms` as Go writes them, in milliseconds. */
export function goDuration(text: string): number | undefined {
  const match = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?$/.exec(text);
  if (!match) return undefined;
  const [, hours = "0", minutes = "0", amount = "0", unit] = match;
  return (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(amount) * (unit === "ms" ? 1 : 1000);
}

function problemOf(server: Server, facts: Facts, now: number): Problem | undefined {
  if (server.status === "stopped") return undefined;
  const [degraded, ready] = [facts.condition("Degraded"), facts.condition("Ready")];
  const scheduled = facts.condition("Scheduled");
  const found =
    degraded?.status === "True"
      ? degraded
      : ready?.status === "False" && !PASSING.has(ready.reason ?? "")
        ? ready
        : scheduled?.status === "False" && scheduled.reason === "Unschedulable"
          ? scheduled
          : undefined;
  const reason = found?.reason ?? (server.status === "failed" ? server.reason : undefined);
  if (!reason) return undefined;
  const patience = degraded?.status === "True" ? 0 : (PATIENCE[reason] ?? 0);
  if (now - (facts.when("Started") ?? facts.began ?? 0) < patience) return undefined;
  const words = found?.message ?? server.message ?? "";
  const about = { name: server.name, image: server.image, memory: server.resources?.memory, message: words };
  return { reason, words, blocking: ready?.status !== "True", ...advice(reason, about) };
}

function doing(server: Server, steps: readonly StartStep[]): string {
  if (server.status === "stopped") return server.reason === "Terminating" ? "being deleted" : "stopped";
  const active = steps.find((step) => step.state === "active" || step.state === "failed");
  return active ? DOING[active.name] : "answering";
}

function ms(time: string | undefined): number | undefined {
  const found = time ? Date.parse(time) : Number.NaN;
  return Number.isNaN(found) ? undefined : found;
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const found = times.filter((time) => time !== undefined);
  return found.length > 0 ? Math.max(...found) : undefined;
}

/** Times are whole seconds of several clocks: none is before the one it follows. */
function later(time: number | undefined, before: number | undefined): number | undefined {
  return time === undefined || before === undefined ? (time ?? before) : Math.max(time, before);
}

/** `0.8 s`, `12 s`, `3 min 4 s`: how long something took. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(milliseconds % 1000 === 0 ? 0 : 1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line of what happened. */
export interface Happening {
  key: string;
  time: string;
  what: string;
  words: string;
  warning: boolean;
  count: number;
  condition: boolean;
}

/** Events and condition changes, newest first; those that repeat each other are one. */
export function happenings(events: readonly TimelineEvent[]): Happening[] {
  const found = new Map<string, Happening>();
  for (const event of events) {
    const key = [event.object, event.reason, event.condition, event.message].join("\u0000");
    const before = found.get(key);
    found.delete(key); // the later one takes its place at the end
    found.set(key, {
      key,
      time: event.t,
      what: event.condition ? `${event.condition}: ${event.reason}` : event.reason,
      words: event.message,
      warning: event.type === "Warning" || (event.condition === "Degraded" && event.status === "True"),
      count: (before?.count ?? 0) + (event.count ?? 1),
      condition: event.condition !== undefined,
    });
  }
  return [...found.values()].toReversed();
}
