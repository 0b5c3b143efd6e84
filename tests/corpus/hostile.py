"""Hostile agent text, shared by the tests of every wall: sanitiser, widgets, command line.

Data only. `ESCAPES` are T40 (what must be dropped), `MARKUP` is T41 (what must stay literal),
`BIDI` is T42 (what must be shown). `all_texts()` gives every raw text once.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BIDI", "ESCAPES", "MARKUP", "Hostile", "all_texts"]

ESC = "\x1b"
ST = ESC + "\\"
C1_CSI, C1_OSC, C1_DCS, C1_ST = "\x9b", "\x9d", "\x90", "\x9c"
C1_SOS, C1_PM, C1_APC = "\x98", "\x9e", "\x9f"


@dataclass(frozen=True)
class Hostile:
    """`clean`: what the sanitiser makes of `raw`. `revealed`: what a request view must contain."""

    name: str
    raw: str
    clean: str
    revealed: str = ""


def _wrapped(name: str, sequence: str, clean: str = "") -> Hostile:
    return Hostile(name, f"before{sequence}after", f"before{clean}after")


ESCAPES: tuple[Hostile, ...] = (
    _wrapped("sgr colour", f"{ESC}[1;31m"),
    _wrapped("sgr with colons", f"{ESC}[38:2::255:0:0m"),
    _wrapped("clear screen", f"{ESC}[2J{ESC}[H"),
    _wrapped("cursor up and erase line", f"{ESC}[1A{ESC}[2K"),
    _wrapped("alternate screen", f"{ESC}[?1049h"),
    _wrapped("mouse reporting", f"{ESC}[?1000;1006h"),
    _wrapped("bracketed paste end", f"{ESC}[201~"),
    _wrapped("csi with intermediate", f"{ESC}[2 q"),
    _wrapped("device attributes query", f"{ESC}[c{ESC}[>c{ESC}[6n"),
    _wrapped("window title, BEL", f"{ESC}]0;evil\x07"),
    _wrapped("window title, ST", f"{ESC}]2;evil{ST}"),
    _wrapped("clipboard OSC 52", f"{ESC}]52;c;ZXZpbA==\x07"),
    _wrapped("hyperlink OSC 8", f"{ESC}]8;;https://evil.example{ST}click{ESC}]8;;{ST}", "click"),
    _wrapped("colour query OSC 10", f"{ESC}]10;?\x07"),
    _wrapped("iterm file OSC 1337", f"{ESC}]1337;File=name=eA==:AAAA\x07"),
    _wrapped("DCS request", f"{ESC}P$qm{ST}"),
    _wrapped("sixel", f"{ESC}Pq#0;2;0;0;0~~{ST}"),
    _wrapped("APC kitty image", f"{ESC}_Gf=24,s=1,v=1;AAAA{ST}"),
    _wrapped("PM", f"{ESC}^private{ST}"),
    _wrapped("SOS", f"{ESC}Xstring{ST}"),
    _wrapped("string cancelled by CAN", f"{ESC}]0;evil\x18"),
    _wrapped("C1 CSI", f"{C1_CSI}31m"),
    _wrapped("C1 OSC", f"{C1_OSC}0;evil{C1_ST}"),
    _wrapped("C1 DCS", f"{C1_DCS}$qm{C1_ST}"),
    _wrapped("C1 SOS PM APC", f"{C1_SOS}a{C1_ST}{C1_PM}b{C1_ST}{C1_APC}c{C1_ST}"),
    _wrapped("other C1", "\x84\x85\x8d\x8e\x8f\x96\x97\x9a"),
    _wrapped("reset", f"{ESC}c"),
    _wrapped("charset", f"{ESC}(0{ESC}%G{ESC}#8"),
    _wrapped("save and restore cursor", f"{ESC}7{ESC}8{ESC}=" + f"{ESC}>"),
    _wrapped("two ESC", f"{ESC}{ESC}[31m"),
    _wrapped("ESC inside a string", f"{ESC}]0;a{ESC}[31m"),
    _wrapped("bell, backspace, null, delete", "\x07\x08\x00\x7f"),
    _wrapped("shift out, in", "\x0e\x0f"),
    _wrapped("vertical tab, form feed", "\x0b\x0c"),
    _wrapped("separators", "\x1c\x1d\x1e\x1f"),
    _wrapped("unterminated OSC ends at the line", f"{ESC}]0;evil\n", "\n"),
    _wrapped("unterminated DCS ends at the line", f"{ESC}Pevil\n", "\n"),
    Hostile("unterminated CSI at the end", f"before{ESC}[31", "before"),
    Hostile("unterminated OSC at the end", f"before{ESC}]52;c;ZXZp", "before"),
    Hostile("lone ESC at the end", f"before{ESC}", "before"),
    Hostile("C1 CSI at the end", f"before{C1_CSI}", "before"),
    Hostile("CSI with a wrong byte", f"before{ESC}[31\nafter", "before\nafter"),
    Hostile("carriage return hides", "rm -rf /\recho hello", "rm -rf /\necho hello", "\\x0d"),
    Hostile("carriage return, line feed", "one\r\ntwo\r\n", "one\ntwo\n"),
    Hostile("line and paragraph separators", "one\u2028two\u2029", "one\ntwo\n", "\\u2028"),
    Hostile("tab and newline stay", "a\tb\nc", "a\tb\nc"),
    Hostile("lone surrogate", "a\ud800b", "a\ufffdb", "\\ud800"),
    Hostile("marks", "Z" + "\u0301" * 40 + "!", "Z" + "\u0301" * 8 + "!"),
    Hostile("colour in a real line", f"{ESC}[32m✓{ESC}[0m 12 passed", "✓ 12 passed"),
)

MARKUP: tuple[Hostile, ...] = tuple(
    Hostile(text, text, text)
    for text in (
        "[@click=app.quit]x[/]",
        "[@click=app.open_requests]allow[/]",
        "[link=https://evil.example]docs[/link]",
        "[bold red]Allowed by you[/]",
        "[/]",
        "[",
        "\\[b]",
        "[on red]   [/on red]",
        "$text-error [b]x",
        "{0.__class__}",
        "[link](javascript:alert(1))",
        "[click](file:///etc/passwd)",
        "![img](http://127.0.0.1:1/pixel.png)",
        "<script>alert(1)</script>",
        "`" * 200,
        "|" + "-|" * 400,
        "> " * 300 + "deep",
        "- " * 300 + "deep",
    )
)

BIDI: tuple[Hostile, ...] = (
    Hostile("override", "rm\u202egpj.exe", "rm\\u202egpj.exe", "\\u202e"),
    Hostile("embedding", "a\u202bb\u202cc", "a\\u202bb\\u202cc", "\\u202b"),
    Hostile("isolates", "a\u2066b\u2069c", "a\\u2066b\\u2069c", "\\u2066"),
    Hostile("zero-width space", "pass\u200bwd", "pass\u200bwd", "\\u200b"),
    Hostile("word joiner, BOM", "a\u2060b\ufeffc", "a\u2060b\ufeffc", "\\ufeff"),
    Hostile("soft hyphen", "a\u00adb", "a\u00adb", "\\xad"),
    Hostile("no-break space", "rm\u00a0-rf", "rm\u00a0-rf", "\\xa0"),
    Hostile("tag letters", "ok\U000e0041\U000e007f", "ok\\U000e0041\\U000e007f", "\\U000e0041"),
    Hostile("escape in a command", f"ls {ESC}[2K; rm -rf x", "ls ; rm -rf x", "\\x1b[2K"),
    Hostile("backspaces in a command", "rm -rf /\x08\x08\x08", "rm -rf /", "\\x08"),
)


def all_texts() -> tuple[str, ...]:
    """Every raw text of the corpus."""
    return tuple(case.raw for group in (ESCAPES, MARKUP, BIDI) for case in group)
