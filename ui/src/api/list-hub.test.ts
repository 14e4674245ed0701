import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aServer } from "../test/fake-api";
import { FakeEventSource } from "../test/fake-event-source";
import { ListHub, type ListMessage } from "./list-hub";

let hub: ListHub;

function window() {
  const heard: ListMessage[] = [];
  const told = (messages: readonly ListMessage[]) => void heard.push(...messages.filter(([name]) => name !== "heard"));
  return { heard, told };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  FakeEventSource.opened = [];
  vi.stubGlobal("EventSource", FakeEventSource);
  hub = new ListHub();
});
afterEach(() => vi.unstubAllGlobals());

it("reads one stream, however many windows there are", async () => {
  const windows = Array.from({ length: 8 }, window);
  for (const { told } of windows) hub.join(told);
  FakeEventSource.last.accept();
  FakeEventSource.last.say("server", aServer());
  await turn();
  expect(FakeEventSource.opened).toHaveLength(1);
  for (const { heard } of windows) expect(heard).toContainEqual(["server", aServer()]);
});

it("tells a window that comes late everything there is, and nothing that is gone", async () => {
  hub.join(window().told);
  FakeEventSource.last.accept();
  for (const id of ["a", "b", "c"]) FakeEventSource.last.say("server", aServer({ id }));
  FakeEventSource.last.say("synced", { full: true, ids: ["a", "b", "c"] });
  FakeEventSource.last.say("gone", { id: "b" });
  FakeEventSource.last.say("stale", { seconds: 9 });
  await turn();
  const late = window();
  hub.join(late.told);
  expect(late.heard).toEqual([
    ["state", "live"],
    ["server", aServer({ id: "a" })],
    ["server", aServer({ id: "c" })],
    ["synced", { full: true, ids: ["a", "c"] }],
    ["stale", { seconds: 9 }],
  ]);
});

it("forgets what a new whole list does not name", () => {
  hub.join(window().told);
  for (const id of ["a", "b"]) FakeEventSource.last.say("server", aServer({ id }));
  FakeEventSource.last.say("synced", { full: true, ids: ["b"] });
  const late = window();
  hub.join(late.told);
  expect(late.heard.filter(([name]) => name === "server")).toEqual([["server", aServer({ id: "b" })]]);
});

it("ends the stream with the last window, and begins anew with the next", () => {
  const [first, second] = [window(), window()];
  hub.join(first.told);
  hub.join(second.told);
  FakeEventSource.last.say("server", aServer());
  hub.leave(first.told);
  expect(FakeEventSource.last.readyState).not.toBe(FakeEventSource.CLOSED);
  hub.leave(second.told);
  expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED);
  const third = window();
  hub.join(third.told);
  expect(FakeEventSource.opened).toHaveLength(2);
  expect(third.heard).toEqual([["state", "connecting"]]);
});
