"""What may be wrong with a source: all its mutants, each one small change of its syntax tree.

It parses text and imports nothing of it. Texts of messages, docstrings, annotations and decorators
stay as they are; whatever counts, compares, decides, names a member of an enum or lists something
is changed, in functions and, as with the rows of a table, outside of them.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType
from typing import TypeVar

SHOWN = 160
"""A mutation is shown within as much of its surroundings as fit this many characters."""

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
}
T = TypeVar("T")
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One small change of one module.

    Args:
        file: The module, such as ``safety/limits.py``.
        function: Qualified name of the function, or of the class, or an empty text.
        before: A piece of the source, as Python writes it.
        after: The same piece, changed.
        lines: First and last line of the innermost statement around it, less its body.
        place: Which node it is, and which of its changes.
        is_in_function: Whether it runs only when a function is called.
    """

    file: str
    function: str
    before: str
    after: str
    lines: tuple[int, int]
    place: tuple[int, int]
    is_in_function: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What an argued survivor is found by; no line numbers, so that it outlives edits."""
        return self.file, self.function, self.before, self.after

    @property
    def module(self) -> str:
        """Name under which it is imported."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def __str__(self) -> str:
        """Show it as a line of a diff."""
        where = f"{self.file}:{self.lines[0]} {self.function}"
        return f"{where}\n    - {self.before}\n    + {self.after}"


def enum_members(sources: list[str]) -> dict[str, list[str]]:
    """Return the members of all enums of some sources, by the name of the class."""
    found: dict[str, list[str]] = {}
    for node in (n for source in sources for n in ast.walk(ast.parse(source))):
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(b) for b in node.bases):
            lines = [line.targets[0] for line in node.body if isinstance(line, ast.Assign)]
            found[node.name] = [target.id for target in lines if isinstance(target, ast.Name)]
    return found


class Source:
    """A module's text, taken apart; gives its mutants and the code of each."""

    def __init__(self, file: str, text: str, enums: dict[str, list[str]]) -> None:
        """Parse it and note what stands where."""
        self.file, self._enums = file, enums
        self._tree = ast.parse(text)
        self._nodes = list(ast.walk(self._tree))
        self._above: dict[ast.AST, tuple[ast.AST, str, int | None]] = {}
        for node in self._nodes:
            for name, value in ast.iter_fields(node):
                if isinstance(value, ast.AST):
                    self._above[value] = (node, name, None)
                elif isinstance(value, list):
                    for index, item in enumerate(value):
                        if isinstance(item, ast.AST):
                            self._above[item] = (node, name, index)

    def mutants(self) -> list[Mutant]:
        """Return all mutants, in the order of the nodes."""
        found: dict[tuple[str, ...], Mutant] = {}
        for number, node in enumerate(self._nodes):
            if self._is_left_alone(node):
                continue
            for choice, new in enumerate(self._changes(node)):
                mutant = self._describe(node, new, (number, choice))
                found.setdefault((*mutant.key, str(mutant.lines)), mutant)
        return sorted(found.values(), key=lambda mutant: (mutant.lines, mutant.place))

    def code(self, mutant: Mutant) -> CodeType:
        """Return the module's code with the mutation in it."""
        number, choice = mutant.place
        node = self._nodes[number]
        new = list(self._changes(node))[choice]
        restore = self._put(node, new)
        code: CodeType = compile(ast.fix_missing_locations(self._tree), self.file, "exec")
        restore()
        return code

    def _put(self, node: ast.AST, new: ast.AST) -> Callable[[], None]:
        """Put a node in the place of another one; the answer puts the old one back."""
        parent, name, index = self._above[node]
        ast.copy_location(new, node)
        _set(parent, name, index, new)
        return lambda: _set(parent, name, index, node)

    def _parents(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        """Yield every node around this one, the innermost first, and the field that leads here."""
        while node in self._above:
            node, name, _ = self._above[node]
            yield node, name

    def _is_left_alone(self, node: ast.AST) -> bool:
        """Say whether nothing that it decides could change, or only what people read."""
        around = list(self._parents(node))
        if any(
            isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__" for n, _ in around
        ):
            return True
        if any(name in {"annotation", "returns", "decorator_list"} for _, name in around):
            return True
        if any(isinstance(n, ast.JoinedStr | ast.Import | ast.ImportFrom) for n, _ in around):
            return True
        return any(
            isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING" for n, _ in around
        )

    def _describe(self, node: ast.AST, new: ast.AST, place: tuple[int, int]) -> Mutant:
        """Say where it is, and show as much around it as is not too long."""
        around = [parent for parent, _ in self._parents(node)]
        frames = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        statement = next(n for n in [node, *around] if isinstance(n, ast.stmt))
        shown: ast.AST = node
        for parent in around:
            is_too_big = isinstance(parent, ast.mod | ast.FunctionDef | ast.ClassDef)
            if isinstance(shown, ast.stmt) or is_too_big or len(_text(parent)) > SHOWN:
                break
            shown = parent
        restore = self._put(node, new)
        after = _text(new if shown is node else shown)
        restore()
        names = [n.name for n in around if isinstance(n, frames)]
        body = getattr(statement, "body", None)
        last = body[0].lineno - 1 if body else statement.end_lineno or 0
        return Mutant(
            file=self.file,
            function=".".join(reversed(names)),
            before=_text(shown),
            after=after,
            lines=(statement.lineno, max(statement.lineno, last)),
            place=place,
            is_in_function=self._is_in_function(node),
        )

    def _is_in_function(self, node: ast.AST) -> bool:
        """Say whether the node is part of a function's body and not, say, of its defaults."""
        functions = ast.FunctionDef | ast.AsyncFunctionDef
        return any(isinstance(n, functions) and name == "body" for n, name in self._parents(node))

    def _changes(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what may stand in the place of a node."""
        if isinstance(node, ast.Attribute):
            yield from self._other_member(node)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            parent, name, _ = self._above[node]
            is_list = isinstance(parent, ast.Call | ast.Assign | ast.AnnAssign | ast.comprehension)
            if is_list and name not in {"func", "target", "targets"}:
                yield from _without_each(node, "elts")
        elif isinstance(node, ast.stmt | ast.IfExp):
            if isinstance(node, ast.If | ast.While | ast.IfExp) and not _is_logic(node.test):
                yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
            if isinstance(node, ast.stmt) and self._is_in_function(node):
                yield from _statement(node)
        else:
            yield from _expression(node)

    def _other_member(self, node: ast.Attribute) -> Iterator[ast.AST]:
        """Yield the next member of the same enum."""
        if isinstance(node.value, ast.Name) and node.attr in self._enums.get(node.value.id, ()):
            members = self._enums[node.value.id]
            following = dict(pairwise([*members, members[0]]))[node.attr]
            yield ast.Attribute(node.value, following, ast.Load())


def _is_logic(node: ast.expr) -> bool:
    """Say whether an expression has changes of its own that turn it round."""
    return isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp)


def _expression(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        yield from _compare(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield from _without_each(node, "values")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Name) and node.id in CALLS:
        yield ast.Name(CALLS[node.id], ast.Load())
    elif isinstance(node, ast.Dict):
        for index in range(len(node.keys)):
            yield ast.Dict(_less(node.keys, index), _less(node.values, index))
    elif isinstance(node, ast.comprehension):
        yield from _comprehension(node)


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    for index, test in enumerate(node.ifs):
        others = () if _is_logic(test) else (ast.UnaryOp(ast.Not(), test),)
        for other in (ast.Constant(value=True), *others):
            yield _changed(node, ifs=[*node.ifs[:index], other, *node.ifs[index + 1 :]])


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            operators = list(node.ops)
            operators[index] = other()
            yield ast.Compare(node.left, operators, node.comparators)


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(value=not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(value=node.value + 1)
        yield ast.Constant(value=node.value - 1)


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.Return) and node.value is not None:
        bare = isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool | None)
        is_truth = _is_logic(node.value)
        for value in (True, False) if is_truth else () if bare else (None,):
            yield ast.Return(ast.Constant(value=value))
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in OPERATORS:
            yield ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value)
        yield ast.Pass()
    elif isinstance(node, ast.Raise | ast.Break | ast.Continue) or (
        isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    ):
        yield ast.Pass()
    elif isinstance(node, ast.Assign):
        leaves = [leaf for target in node.targets for leaf in ast.walk(target)]
        if not any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) for n in leaves):
            yield ast.Pass()


def _without_each(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """Yield the node less each item of a list; what is left of an operation of one is the item."""
    items: list[ast.expr] = getattr(node, field)
    for index in range(len(items)):
        kept = _less(items, index)
        if isinstance(node, ast.BoolOp) and len(kept) == 1:
            yield kept[0]
        elif kept or not isinstance(node, ast.BoolOp | ast.Set):
            yield _changed(node, **{field: kept})


def _less(items: list[T], index: int) -> list[T]:
    return [*items[:index], *items[index + 1 :]]


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _set(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def _text(node: ast.AST) -> str:
    """Write a node as Python does, a compound statement by its first line."""
    if isinstance(node, ast.comprehension):
        ifs = "".join(f" if {ast.unparse(test)}" for test in node.ifs)
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}{ifs}"
    text = ast.unparse(ast.fix_missing_locations(node))
    return text.split("\n", 1)[0] if isinstance(node, ast.stmt) else text
