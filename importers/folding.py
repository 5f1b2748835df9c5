"""Takes batch norms out of networks that only score: they become part of the convolution before them."""

from __future__ import annotations

from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fold_batch_norms(network: Network) -> Network:
    """Folds every batch norm that follows a convolution in an nn.Sequential, in place; returns the network."""
    for sequence in network.modules():
        if not isinstance(sequence, nn.Sequential):
            continue
        for place in range(len(sequence) - 1):
            conv, norm = sequence[place], sequence[place + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[place], sequence[place + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return network
