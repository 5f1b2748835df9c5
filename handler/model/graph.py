"""A program's operations alone, as a graph that may be changed: where other forms of it begin."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.fx import Graph, GraphModule


class NoFormError(ValueError):
    """The program has no such form; the message says why."""


def bare_graph(program: Callable[..., torch.Tensor]) -> GraphModule:
    """Copies a program without the checks of its inputs' sizes, which no other form needs or can express.

    Args:
        program: What `torch.export.ExportedProgram.module` gives. It is left as it is, and shares its weights.

    Raises:
        NoFormError: It is no graph of operations, or does not give one tensor.
    """
    if not isinstance(program, GraphModule):
        raise NoFormError("it is no graph of operations")
    graph = Graph()
    outputs = graph.graph_copy(program.graph, {})
    if not (isinstance(outputs, tuple) and len(outputs) == 1):
        raise NoFormError("it does not give one tensor")
    graph.output(outputs[0])
    for node in list(graph.nodes):
        if node.op == "call_module" and not node.users:
            graph.erase_node(node)
    return GraphModule(program, graph)
