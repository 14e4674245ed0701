// A SharedWorker: one stream of workspaces for all windows of this origin. A window says "bye" when it goes.
import { ListHub } from "./list-hub";

const hub = new ListHub();

addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  const window = (messages: readonly unknown[]) => port.postMessage(messages);
  port.addEventListener("message", ({ data }) => {
    if (data === "hello") hub.join(window);
    else hub.leave(window);
  });
  port.start();
});
