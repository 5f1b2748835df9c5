"""A program in the form in which a CPU runs it fastest: frozen TorchScript with channels-last convolution weights.

An exported program runs as Python, one operation after another. The same operations as TorchScript hold Python's
global lock for none of that time, so that decoding and other batches go on beside them, and cost less each
(docs/performance.md has what was tried).
"""

from __future__ import annotations

import warnings

import torch

Inputs = tuple[torch.Tensor, ...]


class FreezingError(ValueError):
    """The program has no such form; the message says why."""


def frozen(program: torch.nn.Module, inputs: Inputs) -> torch.jit.ScriptModule:
    """Returns the program as frozen TorchScript.

    Args:
        program: What `torch.export.ExportedProgram.module` gives, on the CPU. Its weights are laid out anew in place.
        inputs: An example of what it takes. Other numbers of rows are taken later.

    Raises:
        FreezingError: The program computes with the sizes of its inputs, which would freeze as those of the example;
            or TorchScript does not know one of its operations.
    """
    traceable = _without_guards(program)
    for weights in traceable.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # TorchScript is no longer developed, and says so
            traced = torch.jit.trace(traceable, inputs, check_trace=False)  # type: ignore[no-untyped-call]
            script: torch.jit.ScriptModule = torch.jit.freeze(traced.eval())
    except Exception as error:  # torch names no exception type for it
        raise FreezingError(str(error)) from error
    return script


def _without_guards(program: torch.nn.Module) -> torch.fx.GraphModule:
    """The operations alone, without the checks of the inputs' sizes, which know no TorchScript."""
    if not isinstance(program, torch.fx.GraphModule):
        raise FreezingError("it is no graph of operations")
    graph = torch.fx.Graph()
    outputs = graph.graph_copy(program.graph, {})
    if not (isinstance(outputs, tuple) and len(outputs) == 1):
        raise FreezingError("it does not give one tensor")
    graph.output(outputs[0])
    for node in list(graph.nodes):
        if isinstance(node.meta.get("val"), torch.SymInt):
            raise FreezingError(f"{node.target} computes with the sizes of its inputs")
        if node.op == "call_module" and not node.users:
            graph.erase_node(node)
    return torch.fx.GraphModule(program, graph)
