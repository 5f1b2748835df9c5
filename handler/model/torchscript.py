"""A program in the form in which a CPU runs it fastest: frozen TorchScript with channels-last convolution weights.

An exported program runs as Python, one operation after another. The same operations as TorchScript hold Python's
global lock for none of that time, so that decoding and other batches go on beside them, and cost less each
(docs/record/speed.md has what was tried).
"""

from __future__ import annotations

import warnings

import torch

from handler.model.graph import NoFormError, bare_graph

Inputs = tuple[torch.Tensor, ...]


def frozen(program: torch.nn.Module, inputs: Inputs) -> torch.jit.ScriptModule:
    """Returns the program as frozen TorchScript.

    Args:
        program: What `torch.export.ExportedProgram.module` gives, on the CPU. Its weights are laid out anew in place.
        inputs: An example of what it takes. Other numbers of rows are taken later.

    Raises:
        NoFormError: The program computes with the sizes of its inputs, which would freeze as those of the example;
            or TorchScript does not know one of its operations.
    """
    traceable = bare_graph(program)
    for node in traceable.graph.nodes:
        if isinstance(node.meta.get("val"), torch.SymInt):
            raise NoFormError(f"{node.target} computes with the sizes of its inputs")
    for weights in traceable.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # TorchScript is no longer developed, and says so
            traced = torch.jit.trace(traceable, inputs, check_trace=False)  # type: ignore[no-untyped-call]
            script: torch.jit.ScriptModule = torch.jit.freeze(traced.eval())
    except Exception as error:  # torch names no exception type for it
        raise NoFormError(str(error)) from error
    return script
