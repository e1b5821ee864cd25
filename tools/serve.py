"""Serve a folder on this machine, on port 8000 or the next free one: python tools/serve.py FOLDER."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def open_server(folder: str, port: int = 8000) -> ThreadingHTTPServer:
    """Return a server of a folder on the first free port from ``port`` on, on this machine only."""
    ThreadingHTTPServer.allow_reuse_address = sys.platform != "win32"
    for candidate in range(port, port + 100):
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), partial(Quiet, directory=folder))
        except OSError:
            continue
    sys.exit(f"No free port from {port} to {port + 99}: stop another server first.")


if __name__ == "__main__":
    with open_server(sys.argv[1]) as server:
        print(f"The book is at http://localhost:{server.server_port}/ (Ctrl-C stops it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
