"""An admin port that answers what a test says and remembers what it was asked."""
import http.server
import json
import threading


class FakeAdmin:
    """`with FakeAdmin(answer) as admin`: `answer(method, path, body)` gives (status, headers, body); a dict is JSON.

    requests   (method, path, headers with lower-case names, body) of each request, in order
    """

    def __init__(self, answer):
        self.requests = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                fake.requests.append((self.command, self.path,
                                      {name.lower(): value for name, value in self.headers.items()}, body))
                status, headers, content = answer(self.command, self.path, body)
                if isinstance(content, dict):
                    content = json.dumps(content).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def node_elsewhere(method, path, body):
    """A node on another machine that takes every deployment."""
    if path == "/v1/node":
        return 200, {}, {"name": "elsewhere", "boot_id": "another"}
    if path == "/v1/blobs/missing":
        return 200, {}, {"missing": []}
    if method == "PUT" and path.startswith("/v1/functions/"):
        request = json.loads(body)
        return 201, {}, {"name": path.rsplit("/", 1)[1], "version": 1, "runtime": request["runtime"],
                         "handler": request.get("handler", ""), "routes": [], "created": True, "start_ms": 1}
    return 404, {}, {"error": {"code": "no_such_route", "message": "nothing is here"}}
