// Node's own http server, doing per request what examples/hello does; POST sends the body back.
// Usage: node_http.js PORT WORKERS [log]; `log` writes a line of JSON for each request to stdout.
'use strict';
const cluster = require('node:cluster');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');

const [port, workers] = process.argv.slice(2, 4).map(Number);
const logs = process.argv[4] === 'log';

// Handed over by the 32 KB or the second, as the other servers do.
let lines = '';
function flush() {
  if (lines !== '') fs.writeSync(1, lines);
  lines = '';
}

function log(request, status, bytes, began) {
  lines += `${JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'request', method: request.method,
    path: request.url, status, bytes, total_ms: performance.now() - began, peer: request.socket.remoteAddress,
    request_id: crypto.randomUUID() })}\n`;
  if (lines.length >= 32768) flush();
}

function echo(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
    response.end(body);
  });
}

function answer(request, response) {
  const began = logs ? performance.now() : 0;
  if (request.method === 'POST') {
    echo(request, response);
    return;
  }
  const body = JSON.stringify({ message: `Hello, ${'world'}!` });
  const bytes = Buffer.byteLength(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes });
  response.end(body);
  if (logs) log(request, 200, bytes, began);
}

if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i += 1) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  const server = http.createServer(answer);
  server.keepAliveTimeout = 600_000;
  server.listen(port, '127.0.0.1');
  if (logs) setInterval(flush, 1000).unref();
}
process.on('disconnect', () => process.exit(0));
