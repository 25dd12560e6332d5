"""Who may come in: secrets in the path, in credentials, in headers; networks; names on loopback."""

from __future__ import annotations

import base64
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from foretell import admin
from foretell.application import new_node
from foretell.errors import ForetellError, InvalidInput, NotAvailable
from foretell.http_api.access import Rules
from foretell.registry import Registry
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.wire.masking import Masking, mask
from tests import fakes
from tests.tdgpt.conftest import PATIENT, running
from tests.tdgpt.taosd import BAD_JSON, NO_ACCESS, Taosd, TaosError

TOKEN = "a-secret-of-tests"


def one_model() -> Registry:
    models = Registry()
    models.register(fakes.Fake)
    return models


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """host:port of a node that wants a token."""
    with in_background(new_node(read_settings(workers=1, tokens=(TOKEN,)), one_model())) as found:
        yield found.removeprefix("http://")


@pytest.mark.parametrize("anode", ["{url}/k/" + TOKEN, "user:" + TOKEN + "@{url}"])
def test_taosd_brings_the_secret_in_the_url_of_the_anode(url: str, anode: str) -> None:
    taosd = Taosd(get_limit=PATIENT)
    taosd.create_anode(anode.format(url=url))
    assert taosd.show_anodes() == "ready"
    assert len(taosd.forecast([*range(1000, 1020)], [*range(20)], "algo=repeat,wncheck=0")) == 10


@pytest.mark.parametrize("anode", ["{url}", "{url}/k/wrong-token", "user:wrong-token@{url}"])
def test_without_it_there_is_no_anode(url: str, anode: str) -> None:
    with pytest.raises(TaosError) as error:
        Taosd(get_limit=PATIENT).create_anode(anode.format(url=url))
    assert error.value.code != NO_ACCESS


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": TOKEN}, 200),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer nothing-like-it"}, 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": "Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode()}, 200),
    ],
)
def test_our_own_clients_bring_it_in_a_header(url: str, headers: dict[str, str], status: int) -> None:
    answer = requests.get(f"http://{url}/v1/models", headers=headers, timeout=10)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["content-type"] == "application/problem+json"
    assert requests.get(f"http://{url}/healthz", timeout=10).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_on_loopback_only_local_names_are_served(headers: dict[str, str]) -> None:
    with running(one_model()) as (_, taosd):
        for path in ("/status", "/v1/models"):
            assert requests.get(f"http://{taosd.url}{path}", headers=headers, timeout=10).status_code == 403
        local = {"Host": "localhost:6035", "Origin": "http://localhost:3000"}
        assert requests.get(f"http://{taosd.url}/status", headers=local, timeout=10).status_code == 200


def scope(client: str) -> dict[str, object]:
    return {"headers": [], "method": "GET", "path": "/status", "client": (client, 1)}


def rules_of(**values: Any) -> Rules:
    return Rules.of(read_settings(**values))


def test_networks_of_clients() -> None:
    rules = rules_of(clients=("10.0.0.0/8", "::1"), host="0.0.0.0")
    assert [rules.check(scope(c)) is None for c in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "11.0.0.1", "")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert rules.check({**scope("127.0.0.1"), "path": "/healthz"}) is None
    assert rules.check({**scope("11.0.0.1"), "path": "/healthz"}) is not None
    with pytest.raises(InvalidInput, match="networks such as"):
        rules_of(clients=("ten",))
    with pytest.raises(InvalidInput, match="8 characters"):
        rules_of(tokens=("short",))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://u:p@h/x", "http://***@h/x"),
        ("http://u:p@ss@h/x", "http://***@h/x"),
        ("/k/abc-def/forecast failed", "/k/***/forecast failed"),
        ("/rest/login/root/pass/word failed", "/rest/login/*** failed"),
        ("GET /x?token=abc&a=1", "GET /x?token=***&a=1"),
        ("Authorization: Bearer abcdefgh", "Bearer ***"),
        ("GET /x?auth_token=abc&sig=def", "GET /x?auth_token=***&sig=***"),
        ("admin_token = 'a b', rows=3", "admin_token = ***, rows=3"),
        ("postgres://u:pa/ss@h/x", "postgres://***@h/x"),
        ("http://h/x?url=http://u:p@h", "http://h/x?url=http://***@h"),
        ("https://h/models/a@main", "https://h/models/a@main"),
        ("X-API-Key: abc", "X-API-Key: ***"),
        ('{"password": "a b", "rows": 3}', '{"password": ***, "rows": 3}'),
        ("{'password':'abc'}", "{'password':***}"),
        ("ALTER USER u PASS 'it''s' SYSINFO 1", "ALTER USER u PASS *** SYSINFO 1"),
        ("rows: 3", "rows: 3"),
        ("admin_token: is needed", "admin_token: is needed"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), (ValueError, ValueError(text), None))
    Masking().filter(record)
    assert record.getMessage() == masked
    assert logging.Formatter().format(record) == f"{masked}\nValueError: {masked}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-made certificate for 127.0.0.1 and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=foretell", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*new, *names, "-keyout", key, "-out", made], check=True, capture_output=True)
    return made, key


def test_https(certificate: tuple[str, str]) -> None:
    made, key = certificate
    with in_background(new_node(read_settings(workers=1, tls_certificate=made, tls_key=key), one_model())) as url:
        assert url.startswith("https://")
        taosd = Taosd(get_limit=PATIENT, trusted=made)
        taosd.create_anode(url)
        assert taosd.show_anodes() == "ready"
        assert len(taosd.forecast([*range(1000, 1020)], [*range(20)], "algo=repeat,wncheck=0")) == 10
        for other in (url.removeprefix("https://"), url):
            with pytest.raises(TaosError) as error:
                Taosd(get_limit=PATIENT).create_anode(other)  # plain HTTP; a certificate that nobody vouches for
            assert error.value.code in (NO_ACCESS, BAD_JSON)
        assert taosd.show_anodes() == "ready"


def test_commands_on_this_machine_need_not_trust_the_certificate(certificate: tuple[str, str], tmp_path: Path) -> None:
    made, key = certificate
    for clients in (None, made):
        files: dict[str, Any] = {"tls_certificate": made, "tls_key": key, "tls_clients": clients}
        settings = read_settings(workers=1, admin_token=TOKEN, state_dir=tmp_path, **files)
        with in_background(new_node(settings, one_model())) as url:
            here = settings.model_copy(update={"port": int(url.rpartition(":")[2])})
            admin.health(here)
            admin.reload(here)
            admin.health(here.model_copy(update={"tls_certificate": None, "tls_clients": Path(made)}), url)
            if clients:
                with pytest.raises(ForetellError, match="send it SIGHUP instead"):
                    admin.reload(here.model_copy(update={"tls_certificate": None}), url)
        with pytest.raises(NotAvailable, match="no server answers at"):
            admin.reload(here)


def test_a_model_server_may_have_a_certificate_of_an_authority_of_our_own(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made, key = certificate
    there = new_node(read_settings(workers=1, tls_certificate=made, tls_key=key, default_model="repeat"), one_model())
    cases = {made: (200, '"point":[6.0]'), "": (502, "certificate verify failed"), "none.pem": (400, "SSL_CERT_FILE")}
    with in_background(there) as away:
        for trusted, (status, says) in cases.items():
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            here = read_settings(workers=1, tsfm_service={"far": f"{away}/ds_predict"}, state_dir=tmp_path)
            with in_background(new_node(here, Registry())) as url:
                body = {"model": "far", "horizon": 1, "levels": [], "series": [{"values": [3, 5, 4, 6]}]}
                answer = requests.post(f"{url}/v1/forecast", json=body, timeout=60)
                assert (answer.status_code, says in answer.text) == (status, True), answer.text


def test_clients_that_bring_no_certificate_are_not_let_in(certificate: tuple[str, str]) -> None:
    made, key = certificate
    settings = read_settings(workers=1, tls_certificate=made, tls_key=key, tls_clients=made)
    with in_background(new_node(settings, one_model())) as url:
        answer = requests.get(f"{url}/status", cert=(made, key), verify=made, timeout=10)
        assert answer.json()["status"] == "ready"
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/status", verify=made, timeout=10)


def test_who_keeps_a_connection_with_tls_open_does_not_delay_the_end(certificate: tuple[str, str]) -> None:
    made, key = certificate
    settings = read_settings(workers=1, tls_certificate=made, tls_key=key)
    with requests.Session() as caller:
        with in_background(new_node(settings, one_model())) as url:
            caller.get(f"{url}/status", verify=made, timeout=10)
            begun = time.monotonic()
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tls_certificate": "none.pem"}, "tls_certificate: cannot use none.pem: No such file"),
        (
            {"tls_certificate": __file__},
            r"test_access.py is no PEM certificate .*tls_key is not set",
        ),
        ({"tls_key": "key.pem"}, "tls_certificate: is needed with tls_key"),
        ({"tls_clients": "ca.pem"}, "tls_certificate: is needed with tls_clients"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(values: dict[str, Any], message: str) -> None:
    with (
        pytest.raises(InvalidInput, match=message),
        in_background(new_node(read_settings(workers=1, **values), one_model())),
    ):
        pass
