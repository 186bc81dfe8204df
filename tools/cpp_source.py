# SPDX-License-Identifier: Apache-2.0
"""C++ text as the checks need it: without comments and strings, cut into functions and awaiting statements.

Not a parser: it relies on code that clang-format has laid out and that the compiler accepts.
"""

import bisect
import re

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}

TOKENS = re.compile(
    r"""(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
      | (?P<raw>\b(?:u8|[uUL])?R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')""",
    re.DOTALL | re.VERBOSE,
)


def strip(text, keep_strings=False):
    """The same text with comments (and the insides of strings) blanked; offsets and lines do not move."""

    def blank(match):
        found = match.group()
        if match.lastgroup == "comment":
            return re.sub(r"[^\n]", " ", found)
        if keep_strings:
            return found
        if match.group("raw"):
            return '""' + re.sub(r"[^\n]", " ", found[2:])
        quote = found[-1]
        return quote + " " * (len(found) - 2) + quote

    return TOKENS.sub(blank, text)


class Lines:
    """Turns offsets into line numbers, from 1."""

    def __init__(self, text):
        self.starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def at(self, offset):
        return bisect.bisect_right(self.starts, offset)


def matching(code):
    """Offset of each bracket's partner, both ways. Brackets that have none are left out."""
    partner = {}
    open_at = []
    for match in re.finditer(r"[()\[\]{}]", code):
        at, bracket = match.start(), match.group()
        if bracket in OPENERS:
            open_at.append(at)
        elif open_at and code[open_at[-1]] == CLOSERS[bracket]:
            partner[at] = open_at.pop()
            partner[partner[at]] = at
    return partner


SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^;()=]*$")
NOT_A_FUNCTION = re.compile(r"(=|\breturn|,|\()\s*$")


def functions(code):
    """(start, end) offsets of every function body with its braces, at namespace or class level."""
    partner = matching(code)
    found = []

    def walk(start, end):
        header = start
        at = start
        while at < end:
            char = code[at]
            if char == ";":
                header = at + 1
            elif char in "([" and at in partner:
                at = partner[at]
            elif char == "{" and at in partner:
                text = re.sub(r"(?m)^\s*#.*$", "", code[header:at])
                close = partner[at]
                if SCOPE.search(re.sub(r"\([^()]*\)|<[^<>]*>", "", text)) and not re.search(r"=\s*$", text):
                    walk(at + 1, close)
                elif ")" in text and not NOT_A_FUNCTION.search(text):
                    found.append((at, close))
                at = close
                header = at + 1
            at += 1

    walk(0, len(code))
    return found


BLOCK_WORDS = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable"}


def is_block(code, brace):
    """Whether `{` opens statements (a body) and not a value."""
    before = code[:brace].rstrip()
    if not before or before[-1] in ");{}:":
        return True
    word = re.search(r"\w+$", before)
    if word and word.group() in BLOCK_WORDS:
        return True
    if before[-1] == "]":
        return True  # a lambda without parameters
    # `(...) -> Type {`, `struct Name {`
    header = re.search(r"[^;{}]*$", before).group()
    return bool(re.search(r"\)[^()]*->[^()]*$", header) or SCOPE.search(header))


def lambda_captures(code, brace, partner):
    """The capture list of the lambda whose body `{` opens, or None when it opens no lambda."""
    header = re.search(r"[^;{}]*$", code[:brace]).group()
    start = brace - len(header)
    at = brace - 1
    while at >= start:
        if code[at] in ")>" or code[at].isspace() or code[at].isalnum() or code[at] in "_:-,&*":
            at = partner[at] - 1 if code[at] == ")" and at in partner else at - 1
        elif code[at] == "]" and at in partner:
            opener = partner[at]
            before = code[:opener].rstrip()[-1:]
            subscript = before and (before.isalnum() or before in "_)]")
            if not subscript or re.search(r"\b(return|co_return|co_yield|co_await)$", code[:opener].rstrip()):
                return code[opener + 1 : at].strip()
            at = opener - 1
        elif code[at] == "<":
            at -= 1
        else:
            return None
    return None


def statement_around(code, at, partner):
    """(start, end) of the statement that holds offset `at`, and whether it stands inside a braced value."""
    braced = False
    start = at - 1
    while start >= 0:
        char = code[start]
        if char == ";":
            break
        if char in "([" and start in partner:
            pass  # inside its parentheses: keep going outwards
        elif char in ")]" and start in partner:
            start = partner[start]
        elif char == "{":
            if is_block(code, start):
                break
            braced = True
        elif char == "}" and start in partner:
            opener = partner[start]
            if is_block(code, opener) and lambda_captures(code, opener, partner) is None:
                break
            start = opener
        start -= 1
    end = at
    while end < len(code) and code[end] != ";":
        if code[end] == "{" and end in partner:
            if is_block(code, end) and lambda_captures(code, end, partner) is None:
                break
            end = partner[end]
        elif code[end] in "([" and end in partner:
            end = partner[end]
        elif code[end] == "}" and is_block(code, partner.get(end, end)):
            break
        end += 1
    return start + 1, end, braced


def awaiting_faults(code):
    """(offset, what) for every awaiting statement that does not stand alone."""
    partner = matching(code)
    for match in re.finditer(r"\bco_await\b", code):
        at = match.start()
        start, end, braced = statement_around(code, at, partner)
        # `if (condition) statement;` is two: the await stands in one of them.
        while head := re.match(r"\s*(?:else\s+)?(if|while|for|switch)\s*\(", code[start:end]):
            close = partner.get(start + head.end() - 1, end)
            if at > close:
                start = close + 1
                continue
            is_if_without_body = head.group(1) == "if" and re.match(r"\s*(\{\s*\}|;)", code[close + 1 :])
            if is_if_without_body:
                yield at, "an if with an empty body"
            end = min(end, close)
            break
        if braced:
            yield at, "a braced value holds co_await"
        inside = start
        while inside < end:
            if code[inside] == "{" and inside in partner:
                captures = lambda_captures(code, inside, partner)
                if captures is None:
                    yield at, "a braced temporary"
                elif captures:
                    yield at, "a lambda that captures"
                inside = partner[inside]
            inside += 1
        if re.match(r"\s*(const\s+)?auto\s*&{0,2}\s*\[", code[start:end]):
            yield at, "a structured binding"
    for match in re.finditer(r"\bco_return\s*\{", code):
        yield match.start(), "co_return of a braced list"
