"""A model file's program as other forms of it take it: its type, and its operations as a graph that may be changed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.fx import Graph, GraphModule, Node

# From hops and starts to probabilities, as in a model file.
Program = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Inputs = tuple[torch.Tensor, torch.Tensor]


class UnsuitableProgramError(ValueError):
    """A form of the program cannot be made; the message says why."""


def bare_graph(program: Program) -> GraphModule:
    """Copies a program without the checks of its inputs' sizes. No other form needs them or can express them.

    Args:
        program: What `torch.export.ExportedProgram.module` gives, or this made of it. It stays as it is, and shares its
            weights.

    Raises:
        UnsuitableProgramError: It is not a graph of operations, or does not give one tensor.
    """
    if not isinstance(program, GraphModule):
        raise UnsuitableProgramError("it is not a graph of operations")
    graph = Graph()
    outputs = graph.graph_copy(program.graph, {})
    output = outputs[0] if isinstance(outputs, tuple) and len(outputs) == 1 else outputs
    if not isinstance(output, Node):
        raise UnsuitableProgramError("it does not give one tensor")
    graph.output(output)
    for node in list(graph.nodes):
        if node.op == "call_module" and not node.users:
            graph.erase_node(node)
    return GraphModule(program, graph)
