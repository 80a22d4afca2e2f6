"""YAML as a person means it: a key once, and nothing that stands for something elsewhere.

PyYAML keeps the last of two equal keys in silence, so that a fleet would run with another radius than the one that was
read first. Aliases are refused because a few lines of them can stand for gigabytes.
"""

from collections.abc import Hashable
from typing import Any

import yaml


def load_strictly(text: str) -> Any:  # noqa: ANN401 - whatever the text says
    """What the text says.

    Raises:
        yaml.YAMLError: it is no YAML, has a key twice or an alias.
        RecursionError: it is nested beyond reason.
    """
    return yaml.load(text, _Loader)


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - PyYAML's own types
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.YAMLError(f"the alias *{event.anchor} in line {event.start_mark.line + 1}; write it out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: ANN401
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            name = (key.tag, str(key.value))
            if name in seen:
                raise yaml.YAMLError(f"the key {key.value!r} twice, again in line {key.start_mark.line + 1}")
            seen.add(name)
        return super().construct_mapping(node, deep)
