import { ListHub, type Window } from "./list-hub";

/** Everything about the list of workspaces, as it happens; the returned function ends it. */
export function followList(window: Window): () => void {
  if (typeof SharedWorker === "undefined") {
    const hub = new ListHub();
    hub.join(window);
    return () => hub.leave(window);
  }
  const { port } = new SharedWorker(new URL("./list-worker.ts", import.meta.url), { type: "module", name: "guildnet-list" });
  const listen = ({ data }: MessageEvent<Parameters<Window>[0]>) => window(data);
  const hello = () => port.postMessage("hello");
  const bye = () => port.postMessage("bye");
  // Of a page in the back/forward cache, which may come to life again.
  const back = (event: PageTransitionEvent) => event.persisted && hello();
  port.addEventListener("message", listen);
  port.start();
  addEventListener("pagehide", bye);
  addEventListener("pageshow", back);
  hello();
  return () => {
    bye();
    port.removeEventListener("message", listen);
    removeEventListener("pagehide", bye);
    removeEventListener("pageshow", back);
  };
}
