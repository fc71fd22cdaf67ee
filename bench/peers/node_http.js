// Node's own http server, doing per request what examples/hello does. Usage: node_http.js PORT WORKERS
'use strict';
const cluster = require('node:cluster');
const http = require('node:http');

const [port, workers] = process.argv.slice(2).map(Number);

if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i += 1) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  const server = http.createServer((request, response) => {
    const body = JSON.stringify({ message: `Hello, ${'world'}!` });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
  server.keepAliveTimeout = 600_000;
  server.listen(port, '127.0.0.1');
}
process.on('disconnect', () => process.exit(0));
