// A client as the official ones are: the `ws` library, the password as a subprotocol and as a
// header. `node client.mjs URL PASSWORD`; says hello and pings, and prints what came of it as JSON.
import WebSocket from "ws";

const [url, password] = process.argv.slice(2);
const found = { heard: [] };
const socket = new WebSocket(url, [`paseo.bearer.${password}`], {
  headers: { Authorization: `Bearer ${password}` },
});

function say(message) {
  socket.send(JSON.stringify(message));
}

socket.on("open", () => {
  found.protocol = socket.protocol;
  found.extensions = socket.extensions;
  say({ type: "hello", clientId: "official", clientType: "cli", protocolVersion: 1 });
  say({ type: "session", message: { type: "ping", requestId: "p" } });
});
socket.on("message", (data) => {
  const message = JSON.parse(data).message;
  found.heard.push(message.payload?.status ?? message.type);
  if (message.type === "pong") socket.close(1000);
});
socket.on("error", (error) => {
  found.error = error.message;
});
socket.on("close", (code, reason) => {
  console.log(JSON.stringify({ ...found, code, reason: String(reason) }));
});
