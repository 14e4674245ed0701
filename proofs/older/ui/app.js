// What the first generation's UI does in a browser: the list, a launch, live logs, and the IDE tab.
const refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  refused.push(`${event.effectiveDirective} ${event.blockedURI}`);
});

const json = async (answer) => ({ status: answer.status, body: await answer.json() });

const list = async () => json(await fetch("/api/servers", { credentials: "include" }));

const launch = async (job) =>
  json(await fetch("/api/jobs", {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(job),
  }));

// Lines are unnamed events; a change of level opens the stream anew.
const lines = [];
let stream;
const logs = (target, level) => new Promise((opened, failed) => {
  stream?.close();
  lines.length = 0;
  stream = new EventSource(`/sse/logs?target=${encodeURIComponent(target)}&level=${level}&tail=50`, { withCredentials: true });
  stream.onopen = () => opened(true);
  stream.onmessage = (event) => lines.push(JSON.parse(event.data));
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) failed(new Error("closed")); };
});

// The IDE tab asks for the frame's address first, and shows the frame when the answer is good.
const ide = async (server) => {
  const address = server.url ?? `/proxy/server/${server.id}/`;
  const asked = await fetch(address, { credentials: "include", cache: "no-store" });
  if (!asked.ok) return { asked: asked.status, shown: false };
  const frame = document.getElementById("ide");
  const loaded = new Promise((done) => { frame.onload = done; });
  frame.src = address;
  await loaded;
  return { asked: asked.status, shown: true };
};

window.app = { refused, list, launch, lines, logs, ide };
