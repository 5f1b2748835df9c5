"""The forms whose network calculates in 16 bits, float16 or bfloat16, while spectra and probabilities stay in float32.

Powers of a spectrum overflow float16, and logarithms of them need more digits than 16 bits have. So half precision
begins with the first convolution or product of matrices after the last logarithm and ends with the last one: features
come in float32, logits go out in float32. Weights are converted once, here; automatic mixed precision would convert
them at every call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_aggregate

from handler.model.program import Program, UnsuitableProgramError, bare_graph

_ATEN = torch.ops.aten
_LOGARITHMS = frozenset({_ATEN.log, _ATEN.log2, _ATEN.log10, _ATEN.log1p})
# Convolutions and products of matrices: where a network mixes its values.
PRODUCTS = frozenset(
    {_ATEN.conv1d, _ATEN.conv2d, _ATEN.linear, _ATEN.matmul, _ATEN.mm, _ATEN.bmm, _ATEN.addmm, _ATEN.baddbmm}
    | {_ATEN.einsum, _ATEN.convolution, _ATEN.scaled_dot_product_attention}
)


def in_half_precision(program: Program, dtype: torch.dtype = torch.float16) -> GraphModule:
    """Returns the program with half precision between its features and its logits.

    Args:
        program: What `torch.export.ExportedProgram.module` gives, on any device. It stays as it is.
        dtype: torch.float16 or torch.bfloat16.

    Returns:
        A program with the same inputs and float32 outputs. Whether its probabilities are near enough has to be tried.

    Raises:
        UnsuitableProgramError: It is not a graph of operations, or multiplies nothing after a logarithm, so the range
            of its values is unknown.
    """
    half = bare_graph(program)
    nodes = _nodes_between_products(half.graph)
    if not nodes:
        raise UnsuitableProgramError("it multiplies nothing after a logarithm")
    _convert_inputs(half, nodes, dtype)
    _convert_outputs(half.graph, nodes)
    half.graph.eliminate_dead_code()
    half.delete_all_unused_submodules()
    half.recompile()
    return half


def _nodes_between_products(graph: Graph) -> list[Node]:
    """From the first product after the last logarithm to the last product, in the graph's order."""
    nodes = list(graph.nodes)
    before_logarithm = _reaching(reversed(nodes), _is_logarithm, lambda node: node.users)
    after_logarithm = _reaching(nodes, _is_logarithm, lambda node: node.all_input_nodes) - before_logarithm

    def is_product(node: Node) -> bool:
        return node in after_logarithm and getattr(node.target, "overloadpacket", None) in PRODUCTS

    after_product = _reaching(nodes, is_product, lambda node: node.all_input_nodes)
    before_product = _reaching(reversed(nodes), is_product, lambda node: node.users)
    between = after_product & before_product
    # What takes one of an operation's several results belongs to it.
    between |= {user for node in between for user in node.users if user.target is operator.getitem}
    return [node for node in nodes if node in between]


def _is_logarithm(node: Node) -> bool:
    return getattr(node.target, "overloadpacket", None) in _LOGARITHMS


def _reaching(
    ordered: Iterable[Node], is_wanted: Callable[[Node], bool], neighbours: Callable[[Node], Iterable[Node]]
) -> set[Node]:
    """The nodes that are wanted, and all that come from them along `neighbours`, which precede a node in the order."""
    found: set[Node] = set()
    for node in ordered:
        if is_wanted(node) or any(each in found for each in neighbours(node)):
            found.add(node)
    return found


def _convert_inputs(half: GraphModule, nodes: Sequence[Node], dtype: torch.dtype) -> None:
    """Makes every operation take half precision where it took float32, and give it where its arguments say float32."""
    converted: dict[Node, Node] = {}
    for node in nodes:
        for source in set(node.all_input_nodes) - set(nodes):
            if not _is_float32(source):
                continue
            if source not in converted:
                converted[source] = _in_half_precision(half, source, dtype)
            node.replace_input_with(source, converted[source])
        node.args, node.kwargs = map_aggregate((node.args, node.kwargs), partial(_instead_of_float32, dtype=dtype))


def _in_half_precision(half: GraphModule, source: Node, dtype: torch.dtype) -> Node:
    """A node that gives what `source` gives in another type: a weight converted now, or a conversion at every call."""
    with half.graph.inserting_after(source):
        if source.op != "get_attr":
            return half.graph.call_function(_ATEN.to.dtype, (source, dtype))
        weight = operator.attrgetter(str(source.target))(half).detach().to(dtype)
        if weight.dim() == 4:  # how tensor cores take images
            weight = weight.contiguous(memory_format=torch.channels_last)
        name = f"half_{source.name}"
        half.register_buffer(name, weight)
        return half.graph.get_attr(name)


def _convert_outputs(graph: Graph, nodes: Sequence[Node]) -> None:
    """Lets the operations that come after still take float32."""
    for node in nodes:
        later = set(node.users) - set(nodes)
        if later and _is_float32(node):
            with graph.inserting_after(node):
                float32 = graph.call_function(_ATEN.to.dtype, (node, torch.float32))
            for user in later:
                user.replace_input_with(node, float32)


def _is_float32(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dtype == torch.float32


def _instead_of_float32(argument: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401  # an operation takes anything
    return dtype if argument is torch.float32 else argument
