"""Questions of Codex and forms of MCP servers as the wire's questions, and answers back. Pure.

A question is answered by its header (that is what the apps do), its id or its text. Texts are
revealed; what goes back is what the program itself called it.
"""

from __future__ import annotations

from typing import Any

from sereno.core.providers.codex.values import as_dict, as_dicts, as_number, as_text, as_texts
from sereno.core.security.sanitise import reveal

__all__ = ["answers_of", "content_of", "form_questions", "given_texts", "input_questions"]

YES, NO = "Yes", "No"


def input_questions(params: dict[str, Any]) -> list[dict[str, Any]]:
    """The questions of `item/tool/requestUserInput`."""
    found = []
    for question in as_dicts(params.get("questions")):
        options = [
            {"label": reveal(option["label"]), "description": reveal(_text(option, "description"))}
            for option in as_dicts(question.get("options"))
            if isinstance(option.get("label"), str)
        ]
        shown = _question(question, _text(question, "question"), _text(question, "header"), options)
        shown |= {"isOther": question.get("isOther") is True}
        shown |= {"isSecret": question.get("isSecret") is True}
        found.append(shown)
    return _with_own_headers(found)


def answers_of(params: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What Codex is sent: for each question the labels or words; unanswered ones are left out."""
    answers: dict[str, Any] = {}
    pairs = zip(as_dicts(params.get("questions")), input_questions(params), strict=True)
    for raw, shown in pairs:
        texts = _given(shown, given)
        if texts:
            names = _names(raw, shown)
            answers[_text(raw, "id")] = {"answers": [names.get(text, text) for text in texts]}
    return {"answers": answers}


def form_questions(schema: Any) -> list[dict[str, Any]]:
    """The fields of an MCP form as questions; empty where it has none."""
    found = []
    properties = as_dict(as_dict(schema).get("properties"))
    for name, raw in properties.items():
        field = as_dict(raw)
        labels = [reveal(label) for label, _ in _choices(field)]
        options = [{"label": label, "description": ""} for label in labels]
        words = _text(field, "description") or _text(field, "title") or name
        if "default" in field:
            words += f" (left open: {_shown_default(field)})"
        shown = _question({"id": name}, words, _text(field, "title") or name, options)
        shown["multiSelect"] = field.get("type") == "array"
        shown["required"] = name in as_texts(as_dict(schema).get("required"))
        found.append(shown)
    return _with_own_headers(found)


def content_of(schema: Any, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The content of an accepted form, and the headers of what is required and was not given."""
    content: dict[str, Any] = {}
    missing = []
    properties = as_dict(as_dict(schema).get("properties"))
    for (name, raw), shown in zip(properties.items(), form_questions(schema), strict=True):
        texts = _given(shown, given)
        if texts:
            content[name] = _typed(as_dict(raw), texts)
        elif "default" in as_dict(raw):
            content[name] = as_dict(raw)["default"]
        elif shown["required"]:
            missing.append(str(shown["header"]))
    return content, missing


def given_texts(questions: list[dict[str, Any]], given: dict[str, Any]) -> list[str]:
    """`header: answer` of each question that was answered."""
    pairs = [(shown, _given(shown, given)) for shown in questions]
    return [f"{shown['header']}: {', '.join(texts)}" for shown, texts in pairs if texts]


def _question(
    raw: dict[str, Any], words: str, header: str, options: list[dict[str, str]]
) -> dict[str, Any]:
    shown = {"id": reveal(_text(raw, "id")), "question": reveal(words)}
    return shown | {"header": reveal(header or words), "options": options, "multiSelect": False}


def _with_own_headers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answers are named by header: two of one name would be one answer."""
    seen: set[str] = set()
    for shown in found:
        header, number = shown["header"], 2
        while shown["header"] in seen:
            shown["header"] = f"{header} ({number})"
            number += 1
        seen.add(shown["header"])
    return found


def _given(shown: dict[str, Any], given: dict[str, Any]) -> list[str]:
    for key in (shown["header"], shown["id"], shown["question"]):
        value = given.get(key)
        if isinstance(value, list) and as_texts(value):
            return as_texts(value)
        if isinstance(value, str) and value:
            labels = [option["label"] for option in shown["options"]]
            if shown["multiSelect"] and value not in labels:
                return [part for part in value.split(", ") if part]
            return [value]
    return []


def _names(raw: dict[str, Any], shown: dict[str, Any]) -> dict[str, str]:
    """How Codex itself calls each label that was shown."""
    own = [o["label"] for o in as_dicts(raw.get("options")) if isinstance(o.get("label"), str)]
    return {option["label"]: name for option, name in zip(shown["options"], own, strict=True)}


def _choices(field: dict[str, Any]) -> list[tuple[str, Any]]:
    """(label, value) of what a field of a form may be; empty for free text."""
    if field.get("type") == "boolean":
        return [(YES, True), (NO, False)]
    source = as_dict(field.get("items")) if field.get("type") == "array" else field
    names = as_texts(source.get("enumNames"))
    values = as_texts(source.get("enum"))
    if values:
        named = names if len(names) == len(values) else values
        return list(zip(named, values, strict=True))
    titled = as_dicts(source.get("oneOf")) or as_dicts(source.get("anyOf"))
    return [(_text(each, "title") or each["const"], each["const"]) for each in titled if _is(each)]


def _shown_default(field: dict[str, Any]) -> str:
    """What is sent where the person leaves the field open."""
    value = field["default"]
    names = {str(own): label for label, own in _choices(field)}
    values = value if isinstance(value, list) else [value]
    return ", ".join(names.get(str(each), str(each)) for each in values)


def _is(choice: dict[str, Any]) -> bool:
    return isinstance(choice.get("const"), str)


def _typed(field: dict[str, Any], texts: list[str]) -> Any:
    values = {reveal(label): value for label, value in _choices(field)}
    match field.get("type"):
        case "array":
            return [values.get(text, text) for text in texts]
        case "integer" | "number":
            return _as_number(texts[0], field.get("type") == "integer")
        case _:
            return values.get(texts[0], texts[0])


def _as_number(text: str, whole: bool) -> Any:
    """The number, or the text as it is: the server says then what it wants."""
    try:
        number = as_number(int(text) if whole else float(text))
    except ValueError:
        return text
    return text if number is None or number != number else number


def _text(value: dict[str, Any], key: str) -> str:
    return as_text(value.get(key))
