"""What doctor says of the page: its port, who has it instead, whether it answers, and the file of its token."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gateway.backup.belonging import belonging, is_named
from gateway.config import Web
from gateway.doctor.finding import FINE, UNKNOWN, WRONG
from gateway.doctor.reading import config_facts, configuration
from gateway.doctor.user import User
from gateway.doctor.web import WebFacts, web, web_facts

ME = User("pi", 1000, frozenset({1000}), me=True, service=False)
AT = "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("facts", "runs", "state", "says", "mend"),
    [
        (WebFacts(AT), False, FINE, "is free for the page", ""),
        (WebFacts(AT, "taken", (200, b"ok\n")), True, FINE, "answers, and is well", ""),
        (WebFacts(AT, "taken", (503, b"not ok\n")), True, WRONG, "answers that its readings stand still", "journalctl"),
        (WebFacts(AT, "taken", (503, b"the gateway does not answer\n")), True, WRONG,
         "answers that the gateway itself does not", "journalctl"),
        (WebFacts(AT), True, WRONG, "the gateway runs, and nobody listens there", "sudo systemctl reload gateway"),
        (WebFacts(AT, f"web.listen: {AT} is taken by nginx (pid 7); end that, or set another port"), False, WRONG,
         f"{AT} is taken by nginx (pid 7)", ""),
        (WebFacts(AT, f"web.listen: {AT} is taken by nginx (pid 7); …"), True, WRONG, "nginx (pid 7)", ""),
        (WebFacts(AT, f"web.listen: {AT} is taken by gateway-web (pid 9); …"), False, WRONG,
         "a page without a gateway has it (pid 9)", "sudo kill -9 9"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_page(facts, runs, state, says, mend):
    """One finding: free, well, taken by whom, silent, or left behind by a gateway that is no more."""
    [found] = web(facts, runs=runs)
    assert (found.what, found.where, found.state) == ("web", AT, state)
    assert says in found.says and found.mend.startswith(mend)


def test_no_page_is_no_finding():
    """Where none is wanted nothing is said, and nobody is asked."""
    assert web_facts(Web()) is None
    assert [*web(None, runs=True)] == []


def test_who_has_the_port_is_found():
    """A port that another program has is told with that; one that is free, too."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.settimeout(0.1)
        port = taken.getsockname()[1]
        threading.Thread(target=lambda: taken.accept()[0].close(), daemon=True).start()
        facts = web_facts(Web(("127.0.0.1", port)))
    assert f"(pid {os.getpid()})" in facts.taken and facts.answer is None
    assert web_facts(Web(("127.0.0.1", port))).taken is None


@pytest.mark.parametrize(("status", "body", "found"), [(200, b"ok\n", (200, b"ok\n")), (200, b"<html>", None)])
def test_another_server_is_not_taken_for_ours(status, body, found):
    """Only the answer that ours gives counts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        assert web_facts(Web(("127.0.0.1", server.server_port))).answer == found
        thread.join(5)


def configured(folder, mode=0o600):
    """A configuration whose page needs a token."""
    path = folder / "gateway.toml"
    path.write_text(
        '[web]\nlisten = "0.0.0.0:8080"\ntoken_file = "token"\n[[boards]]\nname = "b"\nport = "/dev/null"\n'
    )
    (folder / "token").write_text("0123456789abcdef\n")
    (folder / "token").chmod(mode)
    return path


def test_a_token_that_all_may_read_is_wrong(tmp_path):
    """Its file is told with the command, as a password's is."""
    facts = config_facts(configured(tmp_path, 0o644), ME)
    [found] = [one for one in configuration(facts, ME) if one.what == "secret"]
    assert (found.where, found.state) == ("web.token_file", WRONG)
    assert found.mend == f"sudo chmod 600 {tmp_path / 'token'}"


def test_a_token_that_this_user_may_not_read_makes_no_configuration_wrong(tmp_path, monkeypatch):
    """The rest is examined, and it is said that the page is not."""
    path = configured(tmp_path)
    opened = type(path).open

    def refusing(self, *args, **more):
        if self.name == "token":
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **more)

    monkeypatch.setattr(type(path), "open", refusing)
    facts = config_facts(path, ME)
    assert not facts.wrong and facts.config.web == Web()
    [found] = [one for one in configuration(facts, ME) if one.what == "secret"]
    assert (found.where, found.state) == ("web.token_file", UNKNOWN)
    assert "so the page is not tried" in found.says


def test_a_token_belongs_into_a_backup_with_secrets_alone(tmp_path):
    """Its file is a secret that the configuration names: taken where secrets are wanted, and else named."""
    configured(tmp_path)
    data = {"web": {"token_file": "token"}}
    found, left_out = belonging(data, tmp_path, secrets=True)
    assert ([(one.role, one.name, one.key) for one in found], left_out) == ([("secret", "token", "web.token_file")], [])
    assert belonging(data, tmp_path, secrets=False) == ([], ["web.token_file = token"])
    assert is_named("token", data) and not is_named("other", data)
