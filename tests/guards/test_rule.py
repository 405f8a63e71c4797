"""Each rule hits what it must and lets be what it must not, in every language; and a rule that is broken says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from guards.classes import BLOCKING, Places, classify
from guards.languages import LANGUAGES, look
from guards.rule import RULES, Rule, load
from harness.errors import ConfigError

OURS = {rule.id: rule for rule in load(RULES)}

# What each rule is about: (texts that it must hit, texts that it must let be).
LINES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "legacy-socket-path": (
        ("/sync/socket/websocket", "wss://edge.example.org/sync/socket/websocket?vsn=2.0.0", "/SYNC/Socket/WebSocket"),
        ("/sync/socket/websockets", "/sync/socket", "/sync/socket/websocket-pool", "/v1/database/sync/subscribe"),
    ),
    "legacy-token-route": (
        ("/api/spacetime/token", "/api/v1/sync/token/", "https://control.example.org/api/v1/spacetime/token#a"),
        ("/api/sync/token", "/api/spacetime/tokens", "/api/v1/sync/token_info", "/api/v2/sync/token"),
    ),
    "phoenix-frame": (
        ("phx_join", "PHX_REPLY_EVENT", "phxJoin", "sync:update_batch", "on-phx-reply"),
        ("phx_joined", "phx_joiner", "aphx_join", "sync:update_batches", "phx", "join"),
    ),
    "phoenix-frame-family": (
        ("phx_leave", "PHX_CLOSE", "phx_error", "PhxError"),
        ("phx_leaves", "phx_errors", "phx_closed", "leave"),
    ),
    "topic-poll-route": (
        ("/internal/v1/spacetime/topics", "http://runtime/internal/v1/khala/topics/run-7"),
        ("/internal/v1/spacetime/topicsearch", "/internal/v1/khala", "/internal/v1/other/topics"),
    ),
    "fanout-route": (
        ("/internal/v1/spacetime/fanout", "/internal/v1/khala/fanout?topic=a"),
        ("/internal/v1/spacetime/fanout-report", "/internal/v2/spacetime/fanout", "fanout"),
    ),
    "in-memory-publisher": (
        ("InMemoryPublisher", "in_memory_publisher", "SyncPublisher::in_memory", "MemoryPublisher"),
        ("InMemoryCache", "in_memory", "MemoryPublishers", "publisher kept in a memory"),
    ),
    "convex-naming": (
        ("convex_client", "ConvexProvider", "useConvexQuery", "CONVEX_URL"),
        ("convex hull", "convexHull", "is_convex_polygon", "convexity"),
    ),
    "alias-action-naming": (
        ("postApiV1SyncToken", "create_api_spacetime_token", "getApiSpacetimeToken"),
        ("postApiSyncToken", "create_api_sync_token", "spacetime_token_count"),
    ),
    "legacy-lane-toggle": (
        ("SYNC_LEGACY_SOCKET_ENABLED", "useLegacyTransport", "sync.legacy.transport.enabled", "legacy-ws-fallback"),
        ("legacy_user_id", "useTransport", "enable the legacy socket", "LEGACY_NAMES"),
    ),
    "phoenix-lane-toggle": (
        ("use_phoenix_channel", "KHALA_FALLBACK", "phxModeEnabled"),
        ("phoenix_office", "khala", "useRelays", "use Phoenix"),
    ),
    "legacy-lane-choice": (
        ("transport=legacy", "sync_mode: phoenix", "lane = topic-poll", "fallback_transport -> legacy-ws"),
        ("transport=nostr", "transport=spacetime, source=legacy", "codename=phoenix", "legacy lane is retired"),
    ),
}  # fmt: skip
# A line of each language that holds a text.
FRAMES = {
    "rust": 'const VALUE: &str = "{}";', "typescript": 'export const value: string = "{}";',
    "tsx": 'export const One = () => <A b="{}" />;', "javascript": "export const value = '{}';",
    "swift": 'let value = "{}"', "elixir": 'value = "{}"', "kotlin": 'val value = "{}"',
    "java": 'class A {{ static final String B = "{}"; }}', "bash": "value='{}'", "yaml": 'value: "{}"',
    "json": '{{"value": "{}"}}', "html": '<p title="{}"></p>', "python": 'VALUE = "{}"', "toml": 'value = "{}"',
    "proto": 'option (value) = "{}";', "markdown": "Of `{}` there is more to say.", "text": 'value "{}"',
}  # fmt: skip


def blocking(rule: Rule, language: str, text: str) -> bool:
    line = FRAMES[language].format(text)
    seen = look(language, line + "\n", [rule], {}).sightings
    return any(classify(one, f"src/a.{language}", language, b"", Places()) in BLOCKING for one in seen)


def test_every_rule_and_every_language_has_its_lines() -> None:
    assert set(LINES) == set(OURS)
    assert all(hits and clean for hits, clean in LINES.values())
    assert set(FRAMES) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", OURS)
def test_a_rule_hits_what_it_must_and_no_more(rule: str, language: str) -> None:
    hits, clean = LINES[rule]
    assert [text for text in hits if not blocking(OURS[rule], language, text)] == []
    assert [text for text in clean if blocking(OURS[rule], language, text)] == []


RULE = """
[[rule]]
id = "one"
guard = "naming"
kind = "naming"
reason = "it is gone"
owner = "owner:control"
replacement = "another"
source = "a plan"
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "a rule has symbols, words or a pattern"),
        ('symbols = ["abcd"]\npattern = "b"\n', "one of them"),
        ('pattern = "b"\n', "need anchors"),
        ('pattern = "("\nanchors = ["a"]\n', "no regular expression"),
        ('words = [["a"], []]\nanchors = ["a"]\n', "a group of words is empty"),
        ('symbols = ["abc"]\n', "at least 4 characters"),
        ('symbols = ["abcd"]\nlevel = 3\n', "level"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, more: str, said: str) -> None:
    (tmp_path / "rules.toml").write_text(RULE + more)
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path)
    assert "rule one" in str(caught.value)


def test_no_rules_and_two_of_a_name_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no rules"):
        load(tmp_path)
    (tmp_path / "rules.toml").write_text((RULE + 'symbols = ["abcd"]\n') * 2)
    with pytest.raises(ConfigError, match="same id"):
        load(tmp_path)
    (tmp_path / "rules.toml").write_text("rule = [")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_long_line_is_read_around_its_anchor() -> None:
    rule = OURS["convex-naming"]
    line = "a" * 50_000 + " convexClient " + "b" * 50_000
    assert [(match.symbol, match.start) for match in rule.matches(line)] == [("convexClient", 50_001)]


def test_words_of_the_same_line_decide() -> None:
    rule = OURS["convex-naming"]
    assert not list(rule.matches("the convex part of a lens"))
    assert len(list(rule.matches("a lens\nconvex"))) == 1
