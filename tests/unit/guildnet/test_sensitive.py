"""Names and values of secrets are recognised, and masked where they are shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guildnet.sensitive import (
    MASK,
    expressions,
    is_secret,
    is_secret_name,
    is_secret_value,
    masked_arguments,
    recognition,
    without_passwords,
)

SECRETS = [
    "PASSWORD", "DB_PASSWORD", "dbPassword", "PGPASSWORD", "DBPASSWORD", "MYSQL_ROOT_PASSWD", "API_KEY",
    "ApiKey", "APIKEY", "SECRETKEY", "CLIENTSECRET", "GITHUBTOKEN", "AUTH_TOKEN", "authToken",
    "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PGPASSFILE_PASS", "SSH_KEY", "SIGNING_KEY", "JWT_KEY",
    "SESSION_KEY", "TLS_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "SENTRY_DSN",
    "MY_CREDENTIALS", "GH_PAT", "SMTP_PW", "BASIC_AUTH", "COOKIE", "BEARER", "HF_TOKENS", "OPENAI-API-KEY",
]  # fmt: skip
HARMLESS = [
    "KEYBOARD", "TOKENIZER", "TOKENIZERS_PARALLELISM", "PATH", "MONKEY", "PORT", "KEY", "BYPASS", "COMPASS",
    "HOSTKEYS", "PUBLIC_KEY", "SORT_KEY", "AUTHOR", "DATABASE_URL", "PASSENGERS", "PATTERN", "SECRETARY",
    "GUILDNET_SCRIPT_COOKIES",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_names_of_secrets_are_recognised(name: str):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_only_look_alike_are_not(name: str):
    assert not is_secret_name(name)


def by_expressions(name: str) -> bool:
    """What the chart's admission policy makes of the expressions, in Python."""
    joined = name.lower().replace("_", "")
    for harmless in recognition.HARMLESS:
        joined = joined.replace(harmless, "")
    found = recognition.PARTS.search(joined) or re.search(expressions.WORD, name)
    key = re.search(expressions.KEY, name) and not re.search(expressions.NO_SECRET_KEY, name)
    return name not in recognition.NO_SECRETS and bool(found or key)


PIECES = st.sampled_from(
    [
        "_", "1", "A", "a", "KEY", "Key", "key", "PUBLIC", "Public", "public", "Sort", "AUTH", "Auth", "auth", "pw",
        "DSN", "token", "TOKENIZER", "Secretary", "secret", "pass", "PASSWORD", "API", "Hosts",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=6).map("".join) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True))
@example("DBPass")
@example("OAuth")
@example("PUBLICKey")
def test_the_expressions_say_of_a_variable_what_the_rules_say(name: str):
    assert by_expressions(name) == is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("postgres://u:hunter2@db/x", True),
        ("jdbc and redis://:hunter2@cache:6379/0", True),
        ("mongodb+srv://u:p%40ss@cluster.example.com", True),
        ("postgres://db/x", False),
        ("https://example.com:8443/a@b", False),
        ("https://u@example.com/", False),
        ("a:b@c", False),
    ],
)
def test_a_password_in_a_url_makes_its_value_a_secret(value: str, secret: bool):
    assert is_secret_value(value) is secret
    assert is_secret("PLAIN", value) is secret


def test_of_a_url_the_password_alone_is_masked():
    assert without_passwords("x redis://u:hunter2@h/0?a=b y") == f"x redis://u:{MASK}@h/0?a=b y"


@pytest.mark.parametrize(
    ("given_arguments", "shown"),
    [
        (["--password=hunter2"], [f"--password={MASK}"]),
        (["--password", "hunter2", "run"], ["--password", MASK, "run"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["DB_PASSWORD=hunter2"], [f"DB_PASSWORD={MASK}"]),
        (["--auth-token:hunter2"], [f"--auth-token:{MASK}"]),
        (["--db=postgres://u:hunter2@h/x"], [f"--db=postgres://u:{MASK}@h/x"]),
        (["token://host"], ["token://host"]),
        (["--port=8080", "-v", "notes.ipynb"], ["--port=8080", "-v", "notes.ipynb"]),
    ],
)
def test_secrets_in_arguments_are_masked(given_arguments: list[str], shown: list[str]):
    assert list(masked_arguments(given_arguments)) == shown


@given(st.lists(st.text(max_size=30), max_size=6))
def test_arguments_keep_their_number_and_masking_twice_changes_nothing(arguments: list[str]):
    once = list(masked_arguments(arguments))
    assert len(once) == len(arguments)
    assert list(masked_arguments(once)) == once
