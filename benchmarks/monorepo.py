"""A synthetic monorepo for the guards' benchmark: code of many languages, made from a seed, with one retired symbol
planted in each language, put together from pieces where the language has a way to.

    planted = make(Path("/tmp/tree"), files=15_000, megabytes=120, seed=1)
"""

from __future__ import annotations

import random
from pathlib import Path

# Words of a product like the one that the guards are made for.
_NOUNS = (
    "account agent amount audit billing bucket buffer cache carrier catalog center charge chart city client cluster "
    "column comment company config contact contract counter country course credit currency customer dashboard device "
    "digest discount document domain driver editor email entry event expense export factor feature field file filter "
    "folder form gateway grant graph group guest handler header history holiday hotel icon identity image index "
    "invoice item job journal key label language ledger lesson license limit line link list location lock login logo "
    "machine mail manager map margin market matrix member menu message metric mobile model module month name network "
    "node note number offer office option order owner package page panel parser partner password path payload payment "
    "period permission person phone photo picture place plan player plugin policy pool position price product profile "
    "project property provider purchase quality query question queue quota range rate reader reason receipt record "
    "region registry relation report request resource response result review reward role room route row rule salary "
    "sale sample schedule schema scope score screen season section segment series server service session setting shape "
    "shipment shop signal site size skill snapshot source space stage station status step stock storage store story "
    "strategy stream student style subject summary supplier survey table target task tax team template tenant test "
    "theme ticket time title topic total trace track trade trip type unit user value vendor version view visit voucher "
    "wallet warehouse week widget window worker workspace writer year zone"
).split()
_VERBS = (
    "accept add append apply assign attach build calculate cancel change check choose clear close collect commit "
    "compare compute confirm copy count create decode delete detach drop edit encode estimate expand extract fetch fill "
    "find flush format get group handle hide import insert inspect load lock log mark match merge move notify open parse "
    "pause pick place plan prepare print process publish pull push query read rebuild record refresh register reject "
    "release remove rename render replace reset resolve restore resume retry return save scan search select send set "
    "show sign skip sort split start stop store submit sum switch tag take test touch track transfer trim undo update "
    "upload validate verify visit wait watch wrap write enable force use join reply"
).split()
# What symbols are made of, and how often one of these stands for a noun. As literals or segments of a path they come
# 0.1 to 5 times in a megabyte of code (counted in 60 MB each of Rust crates, Python packages and Go's library); in the
# folders of a product's sync service, far more often.
_OF_SYMBOLS = "token api sync socket batch legacy websocket spacetime topics".split()
_SHARE_OF_SYMBOLS, _SHARE_IN_SYNC = 0.001, 0.005
_SYNC_SHARE = 0.05  # of the folders
_FILES_AN_AREA = 20  # in two folders: 4 to 9 files in each folder, as in those crates, packages and library
_NOUN_WEIGHTS = [1 / (rank + 10) for rank in range(len(_NOUNS))]
_VERB_WEIGHTS = [1 / (rank + 10) for rank in range(len(_VERBS))]

_LINE = {
    "rs": "pub fn {v}_{n}(input: &{N}, limit: usize) -> Result<{M}, Error> {{\n    let {m} = input.{m}.get(\"{n}\")"
          ".ok_or(Error::missing(\"{m}\"))?;\n    // {w}\n    debug!(\"{v} {n} {{}} of {{}}\", {m}, limit);\n"
          "    store.{u}_{m}(&format!(\"/api/{{}}/{n}\", {m}))\n}}\n\n",
    "ts": "export async function {v}{N}(input: {M}, limit = {i}): Promise<{N}> {{\n  const {m} = await fetch(`/api/${{input"
          ".{n}}}/{m}`);\n  if (!{m}.ok) throw new Error('{v} {n} failed: ' + {m}.status);\n  // {w}\n  return {u}{M}("
          "{m}, {{ kind: \"{n}\", mode: '{u}' }});\n}}\n\n",
    "js": "function {v}{N}(input, {m}) {{\n  const name = \"{n}\" + '-' + {m}.id;\n  return [name, '{m}'].join('/'); // {w}\n"
          "}}\nmodule.exports.{v}{N} = {v}{N};\n\n",
    "py": "def {v}_{n}(self, {m}: {M}, limit: int = {i}) -> {N}:\n    \"\"\"{w}.\"\"\"\n    name = f\"{{{m}.id}}/{n}\"\n"
          "    if {m}.mode == \"{u}\":\n        return self.{u}_{m}(name, timeout=limit)\n    return {N}(name, \"{m}\")\n\n\n",
    "swift": "func {v}{N}(_ input: {M}, limit: Int = {i}) throws -> {N} {{\n    let {m} = \"{n}/\\(input.id)\"\n    // {w}\n"
             "    return try store.{u}(named: {m}, kind: \"{m}\")\n}}\n\n",
    "ex": "  def {v}_{n}(%{{{m}: {m}}} = input, opts \\\\ []) do\n    # {w}\n    Logger.debug(\"{v} {n} #{{inspect({m})}}\")\n"
          "    Store.{u}(input, \"{m}\" <> \":\" <> \"{n}\")\n  end\n\n",
    "kt": "fun {v}{N}(input: {M}, limit: Int = {i}): {N} {{\n    val {m} = \"{n}/${{input.id}}\"\n    // {w}\n"
          "    return store.{u}{M}({m}, \"{m}\")\n}}\n\n",
    "java": "    public {N} {v}{N}({M} input, int limit) {{\n        String {m} = \"{n}/\" + input.id();\n        // {w}\n"
            "        return store.{u}{M}({m}, limit);\n    }}\n\n",
    "sh": "{v}_{n}() {{\n  local {m}=\"$1\"  # {w}\n  curl -fsS \"$BASE/api/${{{m}}}/{n}\" | jq '.{m}'\n}}\n\n",
    "yaml": "{n}_{m}:\n  kind: {v}\n  # {w}\n  route: /api/{n}/{m}\n  limits: {{ {m}: {i} }}\n",
    "toml": "[{n}.{m}]\nkind = \"{v}\"\n# {w}\nroute = \"/api/{n}/{m}\"\nlimit = {i}\n\n",
    "md": "## {N} {m}\n\nTo {v} a {n}, {u} its {m} first: {w}. See `{v}_{n}` and `/api/{n}/{m}`.\n\n",
    "html": "<section id=\"{n}-{i}\"><h2>{N}</h2><p>{w}</p><a href=\"/api/{n}/{m}\">{v}</a></section>\n",
    "proto": "// {w}\nmessage {N}{M}{i} {{\n  string {n} = 1;\n  repeated {M} {m} = 2;\n}}\n\n",
    "json": "  {{ \"kind\": \"{v}\", \"{n}\": \"{m}\", \"route\": \"/api/{n}/{m}\", \"limit\": {i} }},\n",
}  # fmt: skip
_SHARE = {"ts": 25, "rs": 8, "py": 12, "js": 10, "swift": 5, "ex": 5, "kt": 5, "java": 5, "json": 8, "yaml": 4,
          "md": 6, "html": 3, "sh": 2, "toml": 1, "proto": 1}  # fmt: skip

PLANTED = {
    "rs": 'const HEAD: &str = "phx_";\nfn frame() -> String { format!("{}{}", HEAD, "join") }\n',
    "ts": "export const socket = (base: string) => `${base}/sync/` + 'socket/websocket';\n",
    "js": 'const path = ["", "api", "v1", "sync", "token"].join("/");\n',
    "py": 'PREFIX = "phx_"\nFRAME = f"{PREFIX}reply"\n',
    "swift": 'let head = "sync:"\nlet frame = "\\(head)update_batch"\n',
    "ex": '  @frame "phx_" <> "join"\n',
    "kt": 'const val HEAD = "/api/spacetime"\nval route = "${HEAD}/token"\n',
    "java": 'class Frames { static final String F = "phx_" + "reply"; }\n',
    "sh": 'head=/api/v1/spacetime\ncurl "$BASE${head}/token"\n',
    "yaml": "socket: wss://host/sync/socket/websocket\n",
    "toml": 'route = "/api/v1/sync/token"\n',
    "md": "Dial `/sync/socket/websocket` to follow a run.\n",
    "html": '<script>const frame = "phx_" + "join"; send(frame);</script>\n',
    "proto": '// frames\noption (frame) = "sync:" "update_batch";\n',
    "json": '{ "frame": "phx\\u005fjoin" }\n',
}


def make(root: Path, *, files: int, megabytes: int, seed: int) -> dict[str, str]:
    """The tree; by language the path that holds its planted symbol. Sizes vary like those of code: most are small."""
    rng = random.Random(seed)
    kinds = [kind for kind, share in _SHARE.items() for _ in range(share)]
    chosen = [rng.choice(kinds) for _ in range(files)]
    weights = [rng.lognormvariate(0, 1) for _ in range(files)]
    unit = megabytes * 1_000_000 / sum(weights)
    areas = [
        (f"{rng.choice(_NOUNS)}/{rng.choice(_NOUNS)}-{number}", _SHARE_IN_SYNC if is_sync else _SHARE_OF_SYMBOLS)
        for number in range(max(1, files // _FILES_AN_AREA))
        for is_sync in (rng.random() < _SYNC_SHARE,)
    ]
    planted: dict[str, str] = {}
    for number, (kind, weight) in enumerate(zip(chosen, weights, strict=True)):
        area, share = rng.choice(areas)
        folder = root / area / ("src" if kind not in ("md", "yaml") else "docs")
        path = folder / f"{rng.choice(_NOUNS)}_{number}.{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        text = _text(rng, kind, int(weight * unit), share)
        if kind not in planted and number > files // 3:
            text = PLANTED[kind] if kind == "json" else text + PLANTED[kind]
            planted[kind] = str(path.relative_to(root))
        path.write_text(text, encoding="utf-8")
    return planted


def _text(rng: random.Random, kind: str, size: int, share: float) -> str:
    parts: list[str] = []
    length = 0
    while length < size or not parts:
        nouns, verbs = rng.choices(_NOUNS, _NOUN_WEIGHTS, k=6), rng.choices(_VERBS, _VERB_WEIGHTS, k=3)
        nouns = [rng.choice(_OF_SYMBOLS) if rng.random() < share else noun for noun in nouns]
        part = _LINE[kind].format(
            v=verbs[0], u=verbs[1], n=nouns[0], m=nouns[1], N=nouns[2].title(), M=nouns[3].title(),
            i=rng.randrange(9999), w=f"{verbs[2]} the {nouns[4]} of the {nouns[5]}",
        )  # fmt: skip
        parts.append(part)
        length += len(part)
    text = "".join(parts)
    return f"[\n{text.rstrip()[:-1]}\n]\n" if kind == "json" else text
