"""The form for a CPU: frozen TorchScript with channels-last convolution weights.

An exported program runs as Python, one operation after another. As TorchScript the same operations run without
Python's global lock, so decoding and other batches go on beside them, and each costs less
(docs/record/speed.md has what was tried).
"""

from __future__ import annotations

import warnings

import torch

from handler.model.program import Inputs, Program, UnsuitableProgramError, bare_graph


def frozen(program: Program, inputs: Inputs) -> torch.jit.ScriptModule:
    """Returns the program as frozen TorchScript.

    Args:
        program: What `torch.export.ExportedProgram.module` gives, on the CPU. The layout of its weights changes in
            place.
        inputs: An example of what it takes. The result takes other numbers of rows, too.

    Raises:
        UnsuitableProgramError: The program computes with the sizes of its inputs, which would freeze as those of the
            example; or TorchScript does not know one of its operations.
    """
    traceable = bare_graph(program)
    for node in traceable.graph.nodes:
        if isinstance(node.meta.get("val"), torch.SymInt):
            raise UnsuitableProgramError(f"{node.target} computes with the sizes of its inputs")
    for weights in traceable.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # TorchScript is no longer developed, and says so
            traced = torch.jit.trace(traceable, inputs, check_trace=False)  # type: ignore[no-untyped-call]
            script: torch.jit.ScriptModule = torch.jit.freeze(traced.eval())
    except Exception as error:  # torch names no exception type for it
        raise UnsuitableProgramError(str(error)) from error
    return script
