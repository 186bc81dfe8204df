#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/config.md and docs/errors.md from the code: a setting's comment is its manual, the error table is the list.

--check writes nothing and exits 1 when a file is not up to date.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MADE = "<!-- Made by tools/make_docs.py from the code. Do not edit. -->\n"

# (header, struct, where it stands in the file, what it is)
STRUCTS = [
    ("gateway/config.hpp", "Config", "top of the gateway's file", "`farthing gateway --config FILE`"),
    ("gateway/config.hpp", "RouteConfig", "`[[route]]`", None),
    ("gateway/config.hpp", "AcceptConfig", "`[[route.accepts]]`", None),
    ("gateway/config.hpp", "FacilitatorConfig", "`[facilitator]` of the gateway", None),
    ("gateway/config.hpp", "HeaderConfig", "`[[facilitator.header]]`", None),
    ("gateway/config.hpp", "LimitsConfig", "`[limits]`", None),
    ("gateway/config.hpp", "DeferredConfig", "`[deferred]`", None),
    ("gateway/config.hpp", "CorsConfig", "`[cors]`", None),
    ("facilitator/config.hpp", "Config", "top of the facilitator's file", "`farthing facilitator --config FILE`"),
    ("facilitator/config.hpp", "NetworkConfig", "`[[network]]`, and `[[facilitator.network]]` of a gateway", None),
    ("facilitator/access_config.hpp", "ApiKeyConfig", "`[[api_key]]` of the facilitator", None),
    ("facilitator/access_config.hpp", "AllowConfig", "`[allow]` of the facilitator", None),
    ("facilitator/access_config.hpp", "RateLimitsConfig", "`[rate_limits]` of the facilitator", None),
    ("facilitator/access_config.hpp", "RateConfig", "a rate limit, inline", None),
    ("facilitator/access_config.hpp", "ScreeningConfig", "`[screening]` of the facilitator, and `[facilitator.screening]` of a gateway", None),
    ("wallet/settings.hpp", "Settings", "`wallet.toml`, in a wallet's folder", None),
    ("wallet/settings.hpp", "SinkConfig", "`[[alert]]` of a wallet", None),
    ("wallet/settings.hpp", "SignerConfig", "`[signer]` of a wallet", None),
    ("evm/assets.hpp", "Asset", "`[[asset]]`", None),
    ("io/config.hpp", "SecretSource", "a secret, inline", None),
]

# What a setting's text means, where its comment is too short for it: (struct of a section above, title, header, struct).
NOTES = [
    ("RouteConfig", "Patterns", "gateway/routes.hpp", "RoutePattern"),
]

TYPES = [
    (r"std::optional<(.*)>", lambda inner: type_name(inner)),
    (r"std::vector<(.*)>", lambda inner: f"list of {type_name(inner)}"),
]
NAMES = {
    "std::string": "text", "bool": "true or false", "std::uint64_t": "number", "std::uint32_t": "number",
    "std::chrono::milliseconds": "duration", "Network": "network", "Address": "address", "SecretSource": "secret", "ConfirmConfig": "table",
    "OneOrMany<std::string>": "text or list of text",
    "OneOrMany<SecretSource>": "secret or list of secrets",
    "scheme::Price": "price", "json::Object": "table", "facilitator::NetworkConfig": "table", "Asset": "table",
    "FacilitatorConfig": "table", "LimitsConfig": "table", "DeferredConfig": "table", "CorsConfig": "table", "RouteConfig": "table",
    "ApiKeyConfig": "table", "AllowConfig": "table", "RateLimitsConfig": "table", "RateConfig": "table",
    "ScreeningConfig": "table", "facilitator::ScreeningConfig": "table", "Bytes32": "hash", "UtcTime": "time",
    "AcceptConfig": "table", "HeaderConfig": "table", "NetworkConfig": "table", "SinkConfig": "table", "SignerConfig": "table",
}


def type_name(text):
    for pattern, name in TYPES:
        found = re.fullmatch(pattern, text)
        if found:
            return name(found.group(1))
    return NAMES[text]


def struct_body(text, name):
    """The text between the braces of `struct name {`, and the comment before it."""
    found = re.search(r"((?:^///[^\n]*\n)*)^struct " + name + r" \{\n(.*?)^\};", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise SystemExit(f"make_docs: no struct {name}")
    # A comment is one paragraph, and a list where lines begin with "- ".
    comment = " ".join(line[3:].strip() for line in found.group(1).splitlines())
    comment = comment.replace(" - ", "\n- ").replace("\n- ", "\n\n- ", 1)
    return comment, found.group(2)


def readable_default(value):
    value = value.strip()
    duration = re.fullmatch(r"([\d' *]+)", value)
    if duration and value:
        return value.replace("'", "")
    return value


def members(body):
    """(type, name, default, comment) of each data member, in order."""
    out = []
    above = []
    # A declaration that the formatter broke over two lines is one.
    body = re.sub(r"\{\s*\n\s*([^{}\n]*\};)", r"{\1", body)
    for line in body.splitlines():
        line = line.strip()
        if line.startswith("static ") or line.startswith("friend ") or line.startswith("[[nodiscard]]"):
            break
        if line.startswith("///<"):
            out[-1][3] = (out[-1][3] + " " + line[4:].strip()).strip()
            continue
        if line.startswith("///"):
            above.append(line[3:].strip())
            continue
        if line.startswith("//"):
            continue
        found = re.match(r"([\w:<>, ]+?) (\w+)(?: = ([^;]+)|\{([^}]*)\})?;\s*(?:///<\s*(.*))?$", line)
        if not found:
            continue
        kind, name, assigned, braced, comment = found.groups()
        out.append([kind, name, assigned if assigned is not None else braced, " ".join(above + [comment or ""]).strip()])
        above = []
    return out


def show_default(kind, value, required):
    if required:
        return "**required**"
    if kind.startswith("std::optional") or kind == "SecretSource":
        return "none"
    if value is None or value == "":
        return {"std::string": '`""`', "bool": "`false`"}.get(kind, "empty" if "vector" in kind or "Object" in kind else "none")
    text = value.replace("'", "")
    if kind == "std::chrono::milliseconds":
        number = eval(text, {"__builtins__": {}})  # our own source: products of numbers
        return f'`"{number // 1000}s"`' if number % 1000 == 0 else f'`"{number}ms"`'
    if "<<" in text:
        number, shift = (int(part) for part in text.split("<<"))
        return f"`{number << shift}`"
    return f"`{text}`"


def required_of(body):
    found = re.search(r"required\{([^}]*)\}", body)
    return set(re.findall(r'"(\w+)"', found.group(1))) if found else set()


def field_names(body):
    return re.findall(r'field\("(\w+)"', body)


def config_doc():
    lines = [MADE, "# Configuration\n",
             "Files are TOML. Errors name line and column; unknown keys are refused, with the one that was probably meant. Durations are text such as `\"250ms\"`, `\"30s\"`, `\"5m\"`; "
             "networks are CAIP-2 ids; prices are text (`\"$0.001\"`, `\"0.01 USDC\"`) or `{ amount = \"1000\", asset = \"0x…\" }` in atomic units; a secret is "
             "`{ env = \"NAME\" }` or `{ file = \"path\" }`. `--check-config` says whether a file is good (key files are looked for, environment variables only when it starts), `--print-config` shows it with every default.\n"]
    for header, name, where, title in STRUCTS:
        text = (ROOT / "farthing" / header).read_text()
        comment, body = struct_body(text, name)
        required = required_of(body)
        known = field_names(body)
        lines.append(f"## {title + ': ' if title else ''}{where}\n")
        if comment:
            lines.append(comment + "\n")
        lines.append("| setting | type | default | meaning |\n|---|---|---|---|")
        for kind, member, default, meaning in members(body):
            if member not in known:
                raise SystemExit(f"make_docs: {header} {name}::{member} is not in fields()")
            lines.append(f"| `{member}` | {type_name(kind)} | {show_default(kind, default, member in required)} | {meaning} |")
        if len(members(body)) != len(known):
            raise SystemExit(f"make_docs: {header} {name}: fields() and members differ")
        lines.append("")
        for section, note, note_header, struct in NOTES:
            if section == name:
                lines.append(f"### {note}\n\n{struct_body((ROOT / 'farthing' / note_header).read_text(), struct)[0]}\n")
    return "\n".join(lines)


def errors_doc():
    text = (ROOT / "farthing/base/error.cpp").read_text()
    rows = re.findall(r'Row\{Errc::(\w+),\s*Kind::(\w+),\s*"([^"]+)"\}', text)
    kinds = {"invalid": ("mend the message, file or argument", 2), "refused": ("a new payment or another rule is needed", 3),
             "unavailable": ("nothing happened: try again later", 4), "unknown": ("it may have happened: find out before paying anew; only the same signed payment may be sent again", 5),
             "internal": ("a bug of ours", 70)}
    lines = [MADE, "# Errors\n", "Every error has a code, which is also its text on the wire, and a kind that says what to do.\n",
             "| kind | what to do | exit code |\n|---|---|---|"]
    lines += [f"| {kind} | {what} | {code} |" for kind, (what, code) in kinds.items()]
    lines += ["", "| code | kind |\n|---|---|"]
    lines += [f"| `{wire}` | {kind} |" for _, kind, wire in rows]
    return "\n".join(lines) + "\n"


def main():
    stale = 0
    for name, text in (("docs/config.md", config_doc()), ("docs/errors.md", errors_doc())):
        path = ROOT / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                print(f"{name}: out of date: run python3 tools/make_docs.py")
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
