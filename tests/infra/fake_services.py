"""`verdicts up` with services that only listen or wait, so that the supervisor is seen alone."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from infra.cli.services.up import run_local_system
from infra.settings import Settings
from infra.supervisor.console import Screen


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


def service(name: str) -> None:
    print('{"level": "warning", "event": "hello from ' + name + '", "n": 1}', flush=True)
    if name == "api":
        settings = Settings.from_environment(os.environ).with_keys()
        HTTPServer((settings.host, settings.port), Handler).serve_forever()
    signal.pause()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        service(sys.argv[1])
    else:
        settings = Settings.from_environment(os.environ)
        run_local_system(settings, Screen(), lambda name: [sys.executable, __file__, name])
