import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answering } from "../test/fake-api";
import { FakeEventSource } from "../test/fake-event-source";
import { api, ApiError } from "./client";
import { heardOfSession, signedOut, signInAddress } from "./auth";
import { openStream, SILENT_MS, type StreamState } from "./stream";

afterEach(() => vi.unstubAllGlobals());

describe("the API client", () => {
  it("sends a launch as JSON and nothing but JSON", async () => {
    const sent = answering({ "POST /api/jobs": [202, { id: "web-12345", status: "pending" }] });
    expect(await api.launch({ image: "nginx:1" }, "k")).toEqual({ id: "web-12345", status: "pending" });
    expect(sent).toEqual([{ method: "POST", path: "/api/jobs", body: { image: "nginx:1" } }]);
  });

  it("quotes an id, so that it cannot leave its place in the path", async () => {
    const sent = answering({});
    await expect(api.remove("../admin")).rejects.toThrow();
    expect(sent[0]?.path).toBe("/api/servers/..%2Fadmin");
  });

  it("hands on the API's words, code and fields", async () => {
    const details = [{ field: "image", reason: "empty" }];
    answering({ "POST /api/jobs": [400, { code: "invalid_spec", message: "See image.", details, request_id: "r1" }] });
    const error = await api.launch({ image: "" }, "k").catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400, code: "invalid_spec", message: "See image.", details, requestId: "r1" });
  });

  it("says of an API that is away what that means to a person, in place of the front door's words", async () => {
    answering({ "POST /api/jobs": [502, { code: "upstream_refused", message: "The api of this install refused the connection: is its port open?" }] });
    await expect(api.launch({ image: "nginx:1" }, "k")).rejects.toMatchObject({
      status: 502,
      message: "GuildNet's API is away for the moment, so nothing was done. Try again soon.",
    });
  });

  it("has words for an answer that is none of the API's, and for none at all", async () => {
    vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
    await expect(api.me()).rejects.toThrow("The server answered 502 Bad Gateway.");
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed");
    });
    await expect(api.me()).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });
});

describe("a session", () => {
  it("has ended with a 401 of any call, and is there again with the next success", async () => {
    answering({ "GET /api/me": [401, { code: "unauthenticated", message: "open /login on the control origin" }] });
    await expect(api.me()).rejects.toThrow("You are signed out. Sign in, then try again.");
    expect(signedOut()).toBe(true);
    answering({ "GET /api/me": [200, { login: "ada" }] });
    await api.me();
    expect(signedOut()).toBe(false);
  });

  it.each([403, 404, 502])("is not said to have ended by a %d", async (status) => {
    answering({ "GET /api/me": [status, {}] });
    await api.me().catch(() => undefined);
    expect(signedOut()).toBe(false);
  });

  it("is not said to be there by what everybody is answered", async () => {
    answering({ "GET /api/me": [401, {}], "GET /api/ui-config": [200, {}] });
    await api.me().catch(() => undefined);
    await api.uiConfig();
    expect(signedOut()).toBe(true);
    heardOfSession(200);
  });

  it("begins again on the page where it ended", () => {
    const place = { pathname: "/w/lab", search: "?q=a&b", hash: "#L7" };
    expect(signInAddress(place)).toBe("/login?next=%2Fw%2Flab%3Fq%3Da%26b%23L7");
  });
});

describe("a stream", () => {
  let states: StreamState[] = [];
  let heard: unknown[] = [];
  const open = () =>
    openStream("/sse/logs?target=a", { state: (state) => states.push(state), on: { message: (data) => heard.push(data) } });

  beforeEach(() => {
    vi.useFakeTimers();
    FakeEventSource.opened = [];
    states = [];
    heard = [];
    vi.stubGlobal("EventSource", FakeEventSource);
  });
  afterEach(() => vi.useRealTimers());

  it("tells what it hears and how it stands", () => {
    const close = open();
    FakeEventSource.last.accept();
    FakeEventSource.last.say("message", { msg: "hello" });
    expect(heard).toEqual([{ msg: "hello" }]);
    expect(states).toEqual(["connecting", "live"]);
    close();
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED);
  });

  it("leaves a broken connection to the browser", () => {
    const close = open();
    FakeEventSource.last.accept();
    FakeEventSource.last.fail(false);
    vi.advanceTimersByTime(SILENT_MS - 1000);
    expect(FakeEventSource.opened).toHaveLength(1);
    expect(states.at(-1)).toBe("waiting");
    close();
  });

  it("is silent, and opened anew, when two pings have not come", () => {
    const close = open();
    FakeEventSource.last.accept();
    FakeEventSource.last.say("message", {}, "k-3");
    vi.advanceTimersByTime(15_000);
    FakeEventSource.last.say("ping", {});
    vi.advanceTimersByTime(29_000);
    expect(states.at(-1)).toBe("live");
    vi.advanceTimersByTime(1000);
    expect(states.at(-1)).toBe("silent");
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(FakeEventSource.opened[0]?.readyState).toBe(FakeEventSource.CLOSED);
    expect(FakeEventSource.last.url).toContain("lastEventId=k-3");
    // Nor does the new connection come about: a black hole answers nothing at all.
    vi.advanceTimersByTime(10_000);
    expect(FakeEventSource.opened).toHaveLength(3);
    expect(states.at(-1)).toBe("silent");
    FakeEventSource.last.accept();
    expect(states.at(-1)).toBe("live");
    close();
    vi.advanceTimersByTime(60_000);
    expect(FakeEventSource.opened).toHaveLength(3);
  });

  it("that is refused finds out whether anybody is signed in", async () => {
    answering({ "GET /api/me": [401, { code: "unauthenticated", message: "Log in first." }] });
    const close = open();
    FakeEventSource.last.fail(true);
    await vi.waitFor(() => expect(states.at(-1)).toBe("signed-out"));
    expect(signedOut()).toBe(true);
    // Somebody signs in, perhaps in another window.
    vi.advanceTimersByTime(500);
    FakeEventSource.last.accept();
    expect(states.at(-1)).toBe("live");
    close();
    heardOfSession(200);
  });

  it("opens anew after the last event seen when it was refused, ever more slowly", () => {
    const close = open();
    FakeEventSource.last.accept();
    FakeEventSource.last.say("message", {}, "k-7");
    FakeEventSource.last.fail(true);
    vi.advanceTimersByTime(500);
    expect(FakeEventSource.last.url).toBe("/sse/logs?target=a&lastEventId=k-7");
    FakeEventSource.last.fail(true);
    vi.advanceTimersByTime(999);
    expect(FakeEventSource.opened).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(FakeEventSource.opened).toHaveLength(3);
    close();
    vi.advanceTimersByTime(60_000);
    expect(FakeEventSource.opened).toHaveLength(3);
  });

  it("is closed while the page is hidden and goes on where it was", () => {
    const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("visible");
    const close = open();
    FakeEventSource.last.accept();
    FakeEventSource.last.say("message", {}, "k-9");
    visibility.mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED);
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(FakeEventSource.last.url).toContain("lastEventId=k-9");
    close();
  });
});
