// What a person does about each reason of a condition. The cluster's own words stand beside it; see docs/workspace.md.

/** Where the button of a step leads, as a part of the workspace's page; `field` is put into the focus there. */
export type Step =
  | { to: "settings"; label: string; field: "image" | "cpu" | "memory" | "args" | "env" | "storage" | "ports"; value?: string }
  | { to: "logs"; label: string; previous?: boolean }
  | { to: "start"; label: string }
  | { to: "restart"; label: string }
  | { to: "list"; label: string }
  | { to: "command"; label: string; line: string };

export interface Advice {
  /** One sentence: what is wrong. */
  title: string;
  /** One sentence: what to do next. */
  next: string;
  step?: Step;
}

/** What the advice is about. */
export interface Subject {
  name: string;
  image: string;
  memory?: string | undefined;
  message: string;
}

type Table = Readonly<Record<string, Advice | ((about: Subject) => Advice)>>;

const LOG: Step = { to: "logs", label: "Look at the log" };
const LOG_BEFORE: Step = { to: "logs", label: "Log of that run", previous: true };
const describe = (name: string): Step => ({
  to: "command",
  label: "Copy the command",
  line: `kubectl -n guildnet-workspaces describe workspace ${name}`,
});

const TABLE: Table = {
  ImagePullFailed: ({ image }) => ({
    title: `The image ${image} cannot be pulled.`,
    next: "Check its name and tag, or give the install a pull secret for its registry.",
    step: { to: "settings", label: "Change the image", field: "image" },
  }),
  Unschedulable: ({ message }) => unschedulable(message),
  OutOfMemory: ({ memory }) => outOfMemory(memory),
  CrashLoop: {
    title: "Its program keeps ending.",
    next: "The last lines of the run that ended say why.",
    step: LOG_BEFORE,
  },
  ContainerConfiguration: {
    title: "Its container cannot be made.",
    next: "Check what its command, arguments and environment refer to.",
    step: { to: "settings", label: "Check the settings", field: "env" },
  },
  NotAnswering: {
    title: "It runs, but does not answer.",
    next: "Look at its log: does the program listen on the port that it is asked on?",
    step: LOG,
  },
  StartDeadlineExceeded: {
    title: "It did not become ready in time.",
    next: "Look at its log, ports and probe.",
    step: LOG,
  },
  QuotaExceeded: {
    title: "A quota of the cluster is used up.",
    next: "Stop or delete a workspace that nobody needs, ask for less, or have the quota raised.",
    step: { to: "list", label: "Show what runs" },
  },
  LimitReached: {
    title: "You run as many workspaces as you may.",
    next: "Stop or delete one: this one then starts by itself.",
    step: { to: "list", label: "Show what runs" },
  },
  StoragePending: {
    title: "Its volume is not there yet.",
    next: "If it does not come: ask an administrator whether the storage class has a provisioner.",
    step: { to: "settings", label: "Check its files", field: "storage" },
  },
  Lost: {
    title: "The volume with its files is gone.",
    next: "Have it restored from a backup, or delete the claim.",
  },
  GrowthRefused: {
    title: "Its volume cannot grow. Nothing is lost.",
    next: "Set the size back to what it was, or make a new workspace with a larger volume.",
    step: { to: "settings", label: "Set the size back", field: "storage" },
  },
  ResizeFailed: {
    title: "Its volume cannot grow. Nothing is lost.",
    next: "Set the size back to what it was, or ask an administrator.",
    step: { to: "settings", label: "Set the size back", field: "storage" },
  },
  FieldImmutable: {
    title: "Something was changed that never changes.",
    next: "Set back what the message names.",
    step: { to: "settings", label: "Open the settings", field: "storage" },
  },
  VolumeNotMounted: {
    title: "A volume cannot be attached to it.",
    next: "After a lost node that can take minutes; else an administrator has to look.",
  },
  NodeLost: {
    title: "Its node does not report any more.",
    next: "It goes on when the node is back, or starts on another one within minutes.",
  },
  PodFailed: { title: "Its pod failed.", next: "Another one is made by itself; wait a moment." },
  SandboxFailed: { title: "The node cannot set it up.", next: "An administrator has to look at the node." },
  NameTaken: { title: "Something else has its name.", next: "Delete or rename what the message names." },
  SecretRefused: {
    title: "It may not use a secret that it names.",
    next: "Take the variable out of its environment, or use a secret of its own.",
    step: { to: "settings", label: "Check the environment", field: "env" },
  },
  PodSecurityRefused: {
    title: "The cluster's security rules refuse its pod.",
    next: "Change what the message names.",
    step: { to: "settings", label: "Open the settings", field: "args" },
  },
  Refused: {
    title: "The cluster refuses a part of it.",
    next: "Change the field that the message names.",
    step: { to: "settings", label: "Open the settings", field: "image" },
  },
  TooLarge: {
    title: "Its specification is too large for the cluster.",
    next: "Make environment and arguments shorter.",
    step: { to: "settings", label: "Open the settings", field: "env" },
  },
  ExposureRefused: {
    title: "The install does not allow it to be reached past the proxy.",
    next: "It can be opened here all the same; an administrator can allow the rest.",
  },
  PortsExhausted: { title: "There is no address left for it.", next: "An administrator has to give the install more ports." },
  Forbidden: { title: "GuildNet lacks a right in the cluster.", next: "An administrator has to restore the chart's roles." },
  Unavailable: { title: "The cluster cannot do a part of it now.", next: "It is tried again by itself." },
  ChangedByOthers: {
    title: "Another program undoes what GuildNet writes.",
    next: "An administrator has to look at the program that the message names.",
  },
  ChildLeaving: { title: "Something of it is being deleted.", next: "It is made again by itself when that is gone." },
  PredecessorLeaving: { title: "What an earlier workspace of this name left is still going.", next: "Wait a moment." },
};

/** What to say and do about a reason; one that is not known is told in the cluster's words. */
export function advice(reason: string, about: Subject): Advice {
  const found = TABLE[reason];
  if (typeof found === "function") return found(about);
  return found ?? { title: `It is not as it should be: ${reason}.`, next: "The cluster's words say more.", step: describe(about.name) };
}

/** Whether this is one of the reasons for which there is advice. */
export function known(reason: string): boolean {
  return reason in TABLE;
}

function unschedulable(message: string): Advice {
  const [cpu, memory] = [/Insufficient cpu/i.test(message), /Insufficient memory/i.test(message)];
  const what = [cpu && "CPU", memory && "memory"].filter(Boolean).join(" and ");
  if (!what) {
    return {
      title: "No node of the cluster can take it.",
      next: "The scheduler's words say what it lacks; an administrator can add it.",
      step: { to: "settings", label: "Open the settings", field: "cpu" },
    };
  }
  return {
    title: `No node has so much ${what} free.`,
    next: "Ask for less, or stop a workspace that nobody needs.",
    step: { to: "settings", label: "Ask for less", field: memory && !cpu ? "memory" : "cpu" },
  };
}

function outOfMemory(memory: string | undefined): Advice {
  const more = doubled(memory);
  return {
    title: memory ? `It ran out of memory: it may use ${readable(memory)}.` : "It ran out of memory.",
    next: "Give it more memory, or let it do less at once.",
    step: { to: "settings", label: more ? `Give it ${readable(more)}` : "Give it more", field: "memory", ...(more ? { value: more } : {}) },
  };
}

const QUANTITY = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/;

/** Twice a Kubernetes quantity; undefined for what is none. */
export function doubled(quantity: string | undefined): string | undefined {
  const match = QUANTITY.exec(quantity ?? "");
  return match ? `${Number(match[1]) * 2}${match[2] ?? ""}` : undefined;
}

/** `2Gi` → `2 GiB`: as people write it. */
export function readable(quantity: string): string {
  const match = QUANTITY.exec(quantity);
  return match?.[2] ? `${match[1]} ${match[2]}B` : quantity;
}
