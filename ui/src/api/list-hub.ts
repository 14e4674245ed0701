import { openStream, type StreamState } from "./stream";
import type { Gone, Server, Stale, Synced } from "./types";

/** What a window is told: events of the stream of workspaces, and how that stream stands. */
export type ListMessage =
  | ["server", Server]
  | ["gone", Gone]
  | ["synced", Synced]
  | ["stale", Stale]
  | ["state", StreamState]
  | ["heard", number];

export type Window = (messages: readonly ListMessage[]) => void;

/**
 * The stream of workspaces, read once for all windows. Browsers allow six HTTP/1 connections to an origin, and the
 * seventh request of a person's fourth window would wait for ever. A window that joins late is told everything first.
 */
export class ListHub {
  readonly #windows = new Set<Window>();
  readonly #servers = new Map<string, Server>();
  #synced = false;
  #stale = 0;
  #state: StreamState = "connecting";
  #heard = 0;
  #waiting: ListMessage[] = [];
  #close: (() => void) | undefined;

  join(window: Window): void {
    window(this.#everything());
    this.#windows.add(window);
    this.#close ??= this.#open();
  }

  leave(window: Window): void {
    this.#windows.delete(window);
    if (this.#windows.size > 0) return;
    this.#close?.();
    this.#close = undefined;
    this.#servers.clear();
    this.#synced = false;
    this.#stale = 0;
    this.#state = "connecting";
  }

  #everything(): ListMessage[] {
    const servers = [...this.#servers.values()].map((server): ListMessage => ["server", server]);
    return [
      ["state", this.#state],
      ["heard", this.#heard],
      ...servers,
      ...(this.#synced ? [["synced", { full: true, ids: [...this.#servers.keys()] }] satisfies ListMessage] : []),
      ...(this.#stale > 0 ? [["stale", { seconds: this.#stale }] satisfies ListMessage] : []),
    ];
  }

  #open(): () => void {
    return openStream("/sse/servers", {
      state: (state) => {
        this.#state = state;
        // A stream that opens tells when what it tells is old.
        if (state === "live") this.#stale = 0;
        this.#tell(["state", state]);
      },
      heard: () => {
        this.#heard = Date.now();
        this.#tell(["heard", this.#heard]);
      },
      on: {
        server: (data) => {
          const server = data as Server;
          this.#servers.set(server.id, server);
          this.#tell(["server", server]);
        },
        gone: (data) => {
          this.#servers.delete((data as Gone).id);
          this.#tell(["gone", data as Gone]);
        },
        synced: (data) => {
          const { full, ids = [] } = data as Synced;
          const present = new Set(ids);
          if (full) for (const id of this.#servers.keys()) if (!present.has(id)) this.#servers.delete(id);
          this.#synced = true;
          this.#tell(["synced", data as Synced]);
        },
        stale: (data) => {
          this.#stale = (data as Stale).seconds;
          this.#tell(["stale", data as Stale]);
        },
      },
    });
  }

  /** What comes in one turn is told at once: a first list of a thousand would else be a thousand messages. */
  #tell(message: ListMessage): void {
    if (message[0] === "heard" && this.#waiting.at(-1)?.[0] === "heard") this.#waiting.pop();
    this.#waiting.push(message);
    if (this.#waiting.length > 1) return;
    queueMicrotask(() => {
      const messages = this.#waiting;
      this.#waiting = [];
      for (const window of this.#windows) window(messages);
    });
  }
}
