"""Methods by name: what a call means, checked before its function runs.

A method is a function, async or plain. Its signature declares the parameters and its docstring is
the help text, so neither can drift from what happens:

    @method("blockchain")
    async def getblockhash(node: Node, height: int) -> str:
        \"\"\"Returns hash of block in best-block-chain at height provided.

        Args:
            height: The height index

        Returns:
            "hex"    (string) The block hash
        \"\"\"

The first parameter is whatever the registry was made for. Keyword-only parameters become the fields
of a last parameter `options`. A parameter of type `Call` is filled with the circumstances of the
call. Types and how Core calls their mismatch: see `axon.rpc.parameters`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Final, TypeVar, cast

from axon.rpc.amounts import Json
from axon.rpc.errors import Code, RpcError
from axon.rpc.helptext import help_text, split_docstring
from axon.rpc.parameters import NO_DEFAULT, OBJECT, Parameter, Shape, shape_of
from axon.rpc.repeatedkeys import RepeatedKeys

HIDDEN: Final = "hidden"
"""The group of calls that Bitcoin Core's list leaves out."""

_MARK: Final = "__axon_rpc__"
_F = TypeVar("_F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Call:
    """The circumstances of a call.

    Args:
        user: who is asking, by the name authenticated with.
        wallet: NAME of the path `/wallet/NAME`; None on `/`.
        given: the parameters as they came, in their places.
    """

    user: str = ""
    wallet: str | None = None
    given: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    """What `@method` notes on a function until a registry takes it in."""

    group: str
    name: str
    aliases: Mapping[str, str]
    hidden: tuple[str, ...]
    waits: bool
    labels: Mapping[str, str]
    shown: Mapping[str, str]
    strict: bool
    nulls: bool


def method(
    group: str,
    *,
    name: str | None = None,
    aliases: Mapping[str, str] | None = None,
    hidden: Sequence[str] = (),
    waits: bool = False,
    labels: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
    strict: bool = False,
    nulls: bool = False,
) -> Callable[[_F], _F]:
    """Marks a function as an RPC method.

    Args:
        group: heading in `help`, in lower case. What Core leaves out of its list is `hidden`: it
            stands at the end without a heading, for whoever runs a test chain looks for it.
        name: if it is not the function's.
        aliases: further names of a parameter: `{"verbosity": "verbose"}`.
        hidden: parameters that the help text leaves out; all that follow one are hidden too.
        waits: it may wait for something to happen, for as long as it takes. Such a call ends when
            its caller hangs up, and at once when the server stops.
        labels: what complaints about values call parameters, where that is not their name.
        shown: what stands for parameters in the line of usage, where their type does not say it.
        strict: fields of the options that nobody knows are refused, and not passed over.
        nulls: null is as good as no field of the options.
    """

    def mark(function: _F) -> _F:
        setattr(
            function,
            _MARK,
            _Mark(
                group,
                name or function.__name__,
                aliases or {},
                tuple(hidden),
                waits,
                labels or {},
                shown or {},
                strict,
                nulls,
            ),
        )
        return function

    return mark


class Method:
    """One method, ready to be called.

    `parameters` are the positional ones in order, `options` the fields of the object after them.
    """

    def __init__(self, function: Callable[..., object], mark: _Mark) -> None:
        self.name, self.group, self.waits = mark.name, mark.group, mark.waits
        self.is_async = inspect.iscoroutinefunction(function)
        self._function = function
        self._call_slot: str | None = None
        self._strict, self._nulls = mark.strict, mark.nulls
        self.parameters: list[Parameter] = []
        self.options: list[Parameter] = []
        docs = split_docstring(inspect.getdoc(function) or "")
        for declared in list(inspect.signature(function).parameters.values())[1:]:
            shape = shape_of(declared.annotation, function.__globals__)
            if shape is None:
                self._call_slot = declared.name
                continue
            parameter = _parameter(declared, shape, docs.arguments, mark)
            by_name = declared.kind is inspect.Parameter.KEYWORD_ONLY
            (self.options if by_name else self.parameters).append(parameter)
        if self.options:
            self.parameters.append(
                Parameter(
                    ("options",),
                    OBJECT,
                    default=None,
                    description="",
                    placeholder=mark.shown.get("options", ""),
                )
            )
        self.help = help_text(self.name, self.parameters, self.options, docs)

    def arguments(self, params: object) -> dict[str, object]:
        """The function's keyword arguments from the `params` of a request.

        Raises:
            RpcError: they do not fit the declared parameters.
        """
        positional = self._in_places(params)
        required = max(
            (place for place, each in enumerate(self.parameters, 1) if each.required), default=0
        )
        if not required <= len(positional) <= len(self.parameters):
            raise RpcError(Code.MISC, self.help)
        faults = {}
        for place, parameter in enumerate(self.parameters):
            value = positional[place] if place < len(positional) else None
            fault = parameter.mismatch(value)
            if fault is not None:
                faults[f"Position {place + 1} ({parameter.spelling})"] = fault
        if faults:
            raise RpcError(Code.TYPE, f"Wrong type passed:\n{_fault_list(faults)}")
        return self._converted(positional)

    def _in_places(self, params: object) -> list[object]:
        positional = self._positional(params) if isinstance(params, dict) else params
        if not isinstance(positional, list):
            raise RpcError(Code.INVALID_REQUEST, "Params must be an array or object")
        return positional

    def _converted(self, positional: list[object]) -> dict[str, object]:
        arguments: dict[str, object] = {}
        for parameter, value in zip(self.parameters, positional, strict=False):
            if value is None and not parameter.required:
                continue
            if self.options and parameter is self.parameters[-1]:
                arguments.update(self._converted_options(cast("dict[str, object]", value)))
            else:
                arguments[parameter.keyword] = parameter.convert(value)
        return arguments

    def _converted_options(self, given: dict[str, object]) -> dict[str, object]:
        arguments: dict[str, object] = {}
        for option in self.options:
            for name in option.names:
                if name in given and not (self._nulls and given[name] is None):
                    arguments[option.keyword] = self._option(option, name, given[name])
        known = {name for option in self.options for name in option.names}
        unknown = next((name for name in given if name not in known), None)
        if self._strict and unknown is not None:
            raise RpcError(Code.TYPE, f"Unexpected key {unknown}")
        return arguments

    def _option(self, option: Parameter, name: str, value: object) -> object:
        fault = option.mismatch(value, may_be_null=False)
        if fault is not None:
            field = f" for field {name} is not"
            told = (
                fault.replace(" is not", field, 1) if self._strict and value is not None else fault
            )
            raise RpcError(Code.TYPE, told)
        return option.convert(value)

    def _positional(self, named: dict[str, object]) -> list[object]:
        """Named parameters put into their places, holes filled with None."""
        if isinstance(named, RepeatedKeys):
            raise RpcError(Code.PARAMETER, f"Parameter {named.repeated} specified multiple times")
        left = dict(named)
        options: dict[str, object] = {}
        for option in self.options:
            for name in option.names:
                if name in left:
                    options[name] = left.pop(name)
        places: list[object] = []
        hole, first_hole, first_name = 0, 0, None
        for parameter in self.parameters:
            given = next((name for name in parameter.names if name in left), None)
            gathered = bool(options) and parameter is self.parameters[-1]
            if given is None and not gathered:
                hole += 1
                first_hole = first_hole if places else hole
                continue
            if given is not None and gathered:
                raise RpcError(
                    Code.PARAMETER,
                    f"Parameter {given} conflicts with parameter {next(iter(options))}",
                )
            places.extend([None] * hole)
            hole = 0
            first_name = first_name or parameter.spelling
            places.append(left.pop(given) if given is not None else options)
        if isinstance(left.get("args"), list):
            args = cast("list[object]", left.pop("args"))
            if first_name is not None and first_hole < len(args):
                raise RpcError(
                    Code.PARAMETER,
                    f"Parameter {first_name} specified twice both as positional and named argument",
                )
            places = args + places[len(args) :]
        if left:
            raise RpcError(Code.PARAMETER, f"Unknown named parameter {next(iter(left))}")
        return places

    async def run(self, context: object, params: object, call: Call) -> Json:
        """Check the parameters, run the function, give back its result.

        Raises:
            RpcError: the parameters do not fit, or the method refuses.
        """
        arguments = self.arguments(params)
        if self._call_slot is not None:
            given = tuple(self._in_places(params))
            arguments[self._call_slot] = replace(call, given=given)
        result = self._function(context, **arguments)
        return await result if inspect.isawaitable(result) else result


def _parameter(
    declared: inspect.Parameter, shape: Shape, docs: Mapping[str, str], mark: _Mark
) -> Parameter:
    name = declared.name.rstrip("_")
    alias = mark.aliases.get(name)
    default = NO_DEFAULT if declared.default is inspect.Parameter.empty else declared.default
    nullable = default is NO_DEFAULT and str(declared.annotation).endswith("| None")
    return Parameter(
        names=(name, *alias.split("|")) if alias else (name,),
        shape=shape,
        default=default,
        description=docs.get(declared.name, ""),
        hidden=name in mark.hidden,
        keyword=declared.name,
        label=mark.labels.get(name, ""),
        placeholder=mark.shown.get(name, ""),
        nullable=nullable,
    )


def _fault_list(faults: Mapping[str, str]) -> str:
    lines = [f'    "{place}": "{fault}"' for place, fault in faults.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


class Registry:
    """All methods of one server.

    Args:
        modules: those whose marked functions are taken in; `help` is always there.
    """

    def __init__(self, modules: Iterable[ModuleType] = ()) -> None:
        self.methods: dict[str, Method] = {}
        self._active: dict[object, tuple[str, float]] = {}
        self.add(self._help())
        for module in modules:
            for value in vars(module).values():
                if getattr(value, "__module__", None) == module.__name__ and hasattr(value, _MARK):
                    self.add(value)

    def add(self, function: Callable[..., object]) -> None:
        """Take in one function that bears `@method`."""
        kept = vars(function)  # For all servers of a program, and all programs that it forks.
        added = kept["method"] = kept.get("method") or Method(function, kept[_MARK])
        assert added.name not in self.methods, f"two methods are called {added.name}"
        self.methods[added.name] = added

    def find(self, name: str) -> Method:
        """The method of this name.

        Raises:
            RpcError: -32601, there is none.
        """
        found = self.methods.get(name)
        if found is None:
            raise RpcError(Code.METHOD_NOT_FOUND, "Method not found")
        return found

    async def execute(
        self, context: object, name: str, params: object = (), call: Call | None = None
    ) -> Json:
        """Run one method.

        Args:
            params: the `params` of a request: a list, or a dict of names.

        Raises:
            RpcError: unknown method, unfit parameters, or the method's own refusal.
        """
        found = self.find(name)
        key = object()
        self._active[key] = (name, time.monotonic())
        try:
            given = list(params) if isinstance(params, tuple) else params
            return await found.run(context, given, call or Call())
        finally:
            del self._active[key]

    def active(self) -> list[tuple[str, int]]:
        """The calls under way: name, and microseconds since they began."""
        now = time.monotonic()
        return [(name, int((now - since) * 1e6)) for name, since in self._active.values()]

    def conversions(self) -> list[list[Json]]:
        """For command lines: [method, place, name, is its text taken as it is] of each one."""
        return [
            [each.name, place, name, parameter.shape.is_text]
            for each in self.methods.values()
            for place, parameter in [
                *enumerate(each.parameters),
                *((len(each.parameters) - 1, option) for option in each.options),
            ]
            for name in parameter.names
        ]

    def overview(self) -> str:
        """One line of usage for each method, in groups."""
        groups: dict[str, list[str]] = {}
        for each in sorted(self.methods.values(), key=lambda one: (one.group, one.name)):
            groups.setdefault(each.group, []).append(each.help.partition("\n")[0])
        hidden = groups.pop(HIDDEN, [])
        titled = [
            "\n".join([f"== {group[:1].upper()}{group[1:]} ==", *lines])
            for group, lines in groups.items()
        ]
        return "\n\n".join([*titled, *(["\n".join(hidden)] if hidden else [])])

    def _help(self) -> Callable[..., object]:
        @method("control", name="help")
        def help_(_: object, command: str = "") -> Json:
            """List all commands, or get help for a specified command.

            Args:
                command: The command to get help on

            Returns:
                "str"    (string) The help text
            """
            if command == "dump_all_command_conversions":
                return self.conversions()
            if not command:
                return self.overview()
            found = self.methods.get(command)
            # The text ends with one line break; Core takes one away.
            return found.help.rstrip("\n") if found else f"help: unknown command: {command}"

        return help_
