"""A forward pass that is kept, so that an input which differs in a window is passed by what the window touches alone.

Incremental inference (Krypton, SIGMOD 2019), step by step along the recorded graph of the network: a convolution or a
pool is computed for the outputs that see the window, from blocks that are the window's values with what was kept
around them; what joins two branches is computed where either differs; a global mean is moved by the difference of the
sums. Any other step gets whole activations, and all that follows is computed as usual. So nothing is assumed about a
network but that it treats the images of a batch one by one.
"""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from viewer.explainers.incremental.local_steps import Kernel, join_of, kernel_of, kind_of
from viewer.explainers.incremental.patches import Patch, blocks, joined, padded, put, whole, widened

Activation = Patch | Tensor | Any

_graphs: WeakKeyDictionary[nn.Module, fx.GraphModule | None] = WeakKeyDictionary()


class TooLarge(Exception):
    """What would have to be kept is more than was allowed."""


def graph_of(module: nn.Module) -> fx.GraphModule | None:
    """The steps of a network in eval mode; None when they depend on what it is given. Kept for as long as it lives."""
    if module not in _graphs:
        try:
            _graphs[module] = fx.symbolic_trace(module)
        except Exception:  # noqa: BLE001 - tracing runs the network's own code with stand-ins: anything may be raised
            _graphs[module] = None
    return _graphs[module]


class KeptPass(fx.Interpreter):
    """One forward pass of one input, with every activation that a changed window may need around it.

    Parameters
    ----------
    graph : of a network in eval mode.
    x : (1, channel, *space).
    most : bytes that may be kept.

    Raises
    ------
    TooLarge
        When more would have to be kept.
    """

    def __init__(self, graph: fx.GraphModule, x: Tensor, most: int) -> None:
        super().__init__(graph, garbage_collect_values=False)
        nodes = list(graph.graph.nodes)
        self._kinds = {node: kind_of(graph, node) for node in nodes}
        self._kernels = {node: kernel_of(graph, node) for node in nodes if self._kinds[node] == "kernel"}
        self._kept: dict[fx.Node, Any] = {}
        self._shapes: dict[fx.Node, tuple[int, ...]] = {}
        self._padded: dict[fx.Node, Tensor] = {}
        self._last_use: dict[fx.Node, list[fx.Node]] = {}
        seen: set[fx.Node] = set()
        for node in reversed(nodes):
            for used in node.all_input_nodes:
                if used not in seen:
                    seen.add(used)
                    self._last_use.setdefault(node, []).append(used)
        self._input = next(node for node in nodes if node.op == "placeholder")
        self._changes = self._reached()
        self.bytes = 0
        self._pass(x, most)

    def _reached(self) -> set[fx.Node]:
        """Every step that depends on the input."""
        found = {self._input}
        for node in self.graph.nodes:
            if found & set(node.all_input_nodes):
                found.add(node)
        return found

    def _pass(self, x: Tensor, most: int) -> None:
        env: dict[fx.Node, Any] = {}
        for node in self.graph.nodes:
            if node is self._input:
                value: Any = x
            elif node.op == "placeholder":
                value = node.args[0] if node.args else None
            else:
                value = self._run(node, env)
            env[node] = value
            if isinstance(value, Tensor):
                self._shapes[node] = tuple(value.shape)
            if node not in self._changes:
                self._kept[node] = value
            elif isinstance(value, Tensor) and any(self._kinds[user] != "pointwise" for user in node.users):
                # A copy, because a later step may overwrite it.
                self._kept[node] = value.clone()
                self.bytes += value.nbytes
                if self.bytes > most:
                    raise TooLarge
            for used in self._last_use.get(node, ()):
                del env[used]

    def _run(self, node: fx.Node, env: dict[fx.Node, Any]) -> Any:
        args, kwargs = map_arg((node.args, node.kwargs), lambda each: env[each])
        return getattr(self, node.op)(node.target, args, kwargs)

    def outputs(self, changed: Patch) -> Any:
        """What the network puts out for inputs that differ from the kept one in a region each, (image, ...)."""
        env: dict[fx.Node, Activation] = {
            node: value for node, value in self._kept.items() if node not in self._changes
        }
        for node in self.graph.nodes:
            if node not in self._changes:
                continue
            env[node] = changed if node is self._input else self._changed(node, env)
            if node.op == "output":
                return env[node]
            for used in self._last_use.get(node, ()):
                env.pop(used, None)
        raise AssertionError("a graph has an output")

    def _changed(self, node: fx.Node, env: dict[fx.Node, Activation]) -> Activation:
        if any(isinstance(env[used], Patch) for used in node.all_input_nodes):
            made = self._locally(node, env)
            if made is not None:
                return made
            for used in node.all_input_nodes:
                part = env[used]
                if isinstance(part, Patch):
                    env[used] = whole(part, self._kept[used])
        return self._run(node, env)

    def _locally(self, node: fx.Node, env: dict[fx.Node, Activation]) -> Activation | None:
        """The step on what differs; None where it needs whole activations."""
        kind = self._kinds[node]
        sources = node.all_input_nodes
        if kind in ("pointwise", "kernel", "mean"):
            source = sources[0]
            patch = env[source]
            if len(sources) > 1 or not isinstance(patch, Patch):
                return None
            if kind == "pointwise":
                values = patch.values.clone() if len(source.users) > 1 else patch.values
                return patch.of(self._run(node, {**env, source: values}))
            if kind == "mean":
                return self._mean(source, patch)
            kernel = self._kernels[node]
            assert kernel is not None
            return self._kernel(node, source, patch, kernel)
        if kind in ("join", "concatenation"):
            patches = {used: part for used in sources if isinstance(part := env[used], Patch)}
            return self._joined(node, patches) if len(patches) == len(sources) else None
        return None

    def _mean(self, source: fx.Node, patch: Patch) -> Tensor:
        kept = self._kept[source]
        axes = tuple(range(2, kept.ndim))
        before = blocks(kept, patch.start, patch.size)
        moved = (patch.values - before).sum(axes, keepdim=True) / math.prod(kept.shape[2:])
        mean: Tensor = kept.mean(axes, keepdim=True) + moved
        return mean

    def _kernel(self, node: fx.Node, source: fx.Node, patch: Patch, kernel: Kernel) -> Patch | Tensor:
        space, out = self._shapes[source][2:], self._shapes[node][2:]
        reach, stride, before = np.array(kernel.reach), np.array(kernel.stride), np.array(kernel.before)
        first = -((reach - 1 - before - patch.start) // stride)  # the first output that sees the region
        last = (patch.stop - 1 + before) // stride
        room = np.array(out)
        low, high = np.clip(first, 0, room - 1), np.clip(last, 0, room - 1) + 1
        start, size = joined(low, high, out)
        if node not in self._padded:
            after = (room - 1) * stride + reach - np.array(space) - before
            self._padded[node] = padded(
                self._kept[source], kernel.before, np.maximum(after, 0).tolist(), kernel.fill
            )
        origin = start * stride
        length = ((np.array(size) - 1) * stride + reach).tolist()
        block = blocks(self._padded[node], origin, length)
        return _simplest(Patch(start, kernel.run(put(patch, block, origin - before))), out)

    def _joined(self, node: fx.Node, patches: dict[fx.Node, Patch]) -> Patch | Tensor | None:
        spaces = {self._shapes[used][2:] for used in patches}
        if len(spaces) > 1:
            return None
        (space,) = spaces
        low = np.min([patch.start for patch in patches.values()], axis=0)
        high = np.max([patch.stop for patch in patches.values()], axis=0)
        start, size = joined(low, high, space)
        parts = {used: widened(patch, self._kept[used], start, size) for used, patch in patches.items()}
        if self._kinds[node] == "concatenation":
            values = torch.cat([parts[used] for used in node.args[0]], dim=1)  # type: ignore[union-attr,index]
        else:
            one, other = (parts[used] for used in node.args)  # type: ignore[index]
            values = join_of(node)(one, other)
        return _simplest(Patch(start, values), space)


def _simplest(patch: Patch, space: tuple[int, ...]) -> Patch | Tensor:
    """A region that is everything is an activation like any other."""
    return patch.values if patch.size == tuple(space) else patch
