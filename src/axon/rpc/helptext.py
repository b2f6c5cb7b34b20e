"""The help text of a method, in the form of Bitcoin Core's: usage, description, arguments, result.

The words come from the function's docstring: its first paragraphs, `Args:`, `Returns:` and
`Examples:`. What else a docstring tells a reader of the code (`Raises:`) stays there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from axon.rpc.amounts import encode_json
from axon.rpc.parameters import (
    ARRAY,
    HASH,
    NO_DEFAULT,
    OBJECT,
    TEXT,
    Parameter,
)

_HEADING = re.compile(r"^(Args|Returns|Raises|Examples):\s*(.*)$")
_ARGUMENT = re.compile(r"^(\w+):\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Docs:
    """A docstring in parts; `result` and `examples` keep their lines."""

    description: str
    arguments: Mapping[str, str]
    result: str
    examples: str


def split_docstring(text: str) -> Docs:
    """Take a docstring (already without its indentation) apart."""
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            current = heading[1]
            parts[current] = [heading[2]] if heading[2] else []
        else:
            parts[current].append(line)
    return Docs(
        description="\n".join(parts[""]).strip(),
        arguments=_arguments(_dedented(parts.get("Args", []))),
        result="\n".join(_dedented(parts.get("Returns", []))).strip("\n"),
        examples="\n".join(_dedented(parts.get("Examples", []))).strip("\n"),
    )


def _dedented(lines: Sequence[str]) -> list[str]:
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    depth = min(indents, default=0)
    return [line[depth:] for line in lines]


def _arguments(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in lines:
        start = _ARGUMENT.match(line)
        if start:
            name = start[1]
            found[name] = start[2]
        elif name is not None and line.strip():
            found[name] += " " + line.strip()
    return found


def usage(name: str, parameters: Sequence[Parameter]) -> str:
    """One line: `getblock "blockhash" ( verbosity )`."""
    words, optional = [name], False
    for parameter in parameters:
        if parameter.hidden:
            break
        if parameter.required == optional:
            words.append(")" if optional else "(")
            optional = not optional
        words.append(_placeholder(parameter))
    return " ".join([*words, ")"] if optional else words)


def _placeholder(parameter: Parameter) -> str:
    name, shape = parameter.names[0], parameter.shape
    if parameter.placeholder:
        return parameter.placeholder
    if shape in (TEXT, HASH):
        return f'"{name}"'
    if shape is ARRAY:
        return f'["{name.removesuffix("s")}",...]'
    if shape is OBJECT and name != "options":
        return f'{{"{name}":...}}'
    return name


def help_text(
    name: str, parameters: Sequence[Parameter], options: Sequence[Parameter], docs: Docs
) -> str:
    """All of it; ends with a line break."""
    text = f"{usage(name, parameters)}\n\n{docs.description}\n"
    shown = []
    for parameter in parameters:
        if parameter.hidden:
            break
        shown.append(parameter)
    if shown:
        labels = [f"{place}. {each.names[0]}" for place, each in enumerate(shown, 1)]
        text += "\nArguments:\n" + _columns(labels, shown)
    if options:
        text += "\nNamed Arguments:\n" + _columns([each.names[0] for each in options], options)
    if docs.result:
        text += f"\nResult:\n{docs.result}\n"
    if docs.examples:
        text += f"\nExamples:\n{docs.examples}\n"
    return text


def _columns(labels: Sequence[str], parameters: Sequence[Parameter]) -> str:
    width = max(map(len, labels)) + 4
    return "".join(
        f"{label:<{width}}{_description(parameter)}\n"
        for label, parameter in zip(labels, parameters, strict=True)
    )


def _description(parameter: Parameter) -> str:
    if parameter.default is NO_DEFAULT:
        need = "required"
    elif parameter.default is None:
        need = "optional"
    else:
        need = f"optional, default={encode_json(parameter.default)}"
    return f"({parameter.shape.help_name}, {need}) {parameter.description}".rstrip()
