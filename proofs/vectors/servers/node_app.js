// `node node_app.js PORT LOG`: Node.js's own HTTP server.
"use strict";
const fs = require("node:fs");
const http = require("node:http");

const [port, log] = process.argv.slice(2);

function pairs(raw) {
  const found = [];
  for (let at = 0; at < raw.length; at += 2) found.push([raw[at].toLowerCase(), raw[at + 1]]);
  return found;
}

const server = http.createServer({ maxHeaderSize: 65536, keepAliveTimeout: 120000 }, (request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const fields = pairs(request.rawHeaders);
    const said = JSON.stringify({
      method: request.method,
      target: request.url,
      host: fields.filter(([name]) => name === "host").map(([, value]) => value).join(", "),
      body: Buffer.concat(parts).toString("latin1"),
      fields,
    });
    fs.appendFileSync(log, said + "\n");
    response.setHeader("Answers", `${request.method} ${request.url}`);
    response.setHeader("Content-Type", "application/json");
    response.end(said);
  });
});
server.on("clientError", (error, socket) => {
  // A connection that the proxy aborts is no request.
  if (String(error.code).startsWith("HPE_")) fs.appendFileSync(log, JSON.stringify({ refused: error.code }) + "\n");
  socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
});
server.listen(Number(port), "127.0.0.1");
