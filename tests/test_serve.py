"""The server of ``make book``: the next free port where one is taken, and this machine only."""

from threading import Thread
from urllib.request import urlopen

from serve import open_server


def test_the_next_port_is_taken_where_one_is_in_use(tmp_path):
    (tmp_path / "index.html").write_text("here")
    with open_server(str(tmp_path), 8765) as first, open_server(str(tmp_path), first.server_port) as second:
        assert second.server_port > first.server_port
        assert second.server_address[0] == "127.0.0.1"
        thread = Thread(target=second.serve_forever)
        thread.start()
        with urlopen(f"http://localhost:{second.server_port}/") as answer:
            assert answer.read() == b"here"
        second.shutdown()
        thread.join()
