"""Reading a YAML file that an official wrote, node by node: what is wrong in it is said by line, in French.

Scalars are taken as they are written and never as YAML understands them: `non` is no truth value, `079` no octal
number. Pure: text in, values or faults out. Whoever reads a kind of file derives from `NodeReader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cvq_core.errors import N_

WORDS_MAX = 120
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong on a line (counted from 1): a French sentence with `{places}`, and what fills them."""

    line: int
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


YAML_FAULT = N_(
    "Cette ligne n’est pas construite comme il faut : vérifiez le décalage, les deux-points et les guillemets "
    "de cette ligne et de celle d’avant."
)


class NotYaml(Exception):
    """The text is no YAML, or uses what no such file needs: anchors, tags, directives."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


class Unread(Exception):
    """A part could not be read; its fault is noted."""


def compose(text: str) -> Node | None:
    """Return the root of a file.

    Raises:
        NotYaml: with the line.
    """
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken, yaml.DirectiveToken)):
                raise NotYaml(Fault(token.start_mark.line + 1, YAML_FAULT))
        root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(Fault(mark.line + 1 if mark else 1, YAML_FAULT)) from None
    except (yaml.YAMLError, RecursionError):
        raise NotYaml(Fault(1, YAML_FAULT)) from None
    return root


class NodeReader:
    """Walks the nodes of one file and gathers faults; a part with a fault is left out, the others are read on."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, node: Node | None, sentence: str, **facts: Any) -> Unread:
        """Note a fault on a node's line, and give what to raise for its part."""
        self.faults.append(Fault(node.start_mark.line + 1 if node else 1, sentence, facts))
        return Unread()

    def _mapping(self, node: Node | None, needs: Sequence[str] = (), may: Sequence[str] = ()) -> dict[str, Node]:
        """Return the nodes under known keys; an unknown, doubled or missing one is a fault."""
        if not isinstance(node, MappingNode):
            raise self.fault(
                node, N_("Ici sont attendues des lignes « {keys} »."), keys=" : … », « ".join([*needs, *may]) + " : …"
            )
        found: dict[str, Node] = {}
        failed: Unread | None = None
        known = [*needs, *may]
        misspelt: set[str] = set()
        for key, value in node.value:
            name = key.value.strip().lower().replace("'", "’") if isinstance(key, ScalarNode) else ""
            if name not in known:
                near = get_close_matches(name, known, n=1)
                if near:
                    misspelt.add(near[0])
                    told = N_("« {key} » n’est pas connu ici. Vouliez-vous dire « {near} » ?")
                    failed = self.fault(key, told, key=name, near=near[0])
                else:
                    told = N_("« {key} » n’est pas connu ici. On attend « {known} ».")
                    failed = self.fault(key, told, key=name, known=" », « ".join(known))
            elif name in found:
                failed = self.fault(key, N_("« {key} » est écrit deux fois."), key=name)
            else:
                found[name] = value
        for name in needs:
            if name not in found and name not in misspelt:
                failed = self.fault(node, N_("Il manque « {key} : … »."), key=name)
        if failed is not None and any(name not in found for name in needs):
            raise failed
        return found

    def _each(self, node: Node | None, most: int) -> Iterator[Node]:
        if node is None:
            return
        if not isinstance(node, SequenceNode) or not node.value:
            self.fault(node, N_("Ici est attendue une liste : chaque ligne commence par un tiret."))
        elif len(node.value) > most:
            self.fault(node, N_("Cette liste est trop longue : {most} au plus."), most=most)
        else:
            yield from node.value

    def _try(self, read: Callable[..., _Found], *arguments: Any) -> _Found | None:
        try:
            return read(*arguments)
        except Unread:
            return None

    def _text(self, node: Node | None) -> str:
        if not isinstance(node, ScalarNode):
            raise self.fault(node, N_("Ici est attendu un mot ou un nombre, sur la même ligne."))
        return " ".join(str(node.value).split())

    def _words(self, node: Node | None) -> str:
        text = self._text(node)
        if not text or len(text) > WORDS_MAX:
            raise self.fault(node, N_("Ici sont attendus quelques mots, {most} caractères au plus."), most=WORDS_MAX)
        return text

    def _choice(self, node: Node | None, words: Mapping[str, _Found]) -> _Found:
        text = self._text(node).lower()
        if text not in words:
            known = " », « ".join(words)
            raise self.fault(node, N_("« {text} » n’est pas connu ici. On attend « {known} »."), text=text, known=known)
        return words[text]
