"""Networks in torch: those that `wattq.schedulers.rl.network` computes without torch, and a value network beside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from torch import nn

from wattq.schedulers.rl.network import NetworkShape

__all__ = ["FlatNet", "LearnedPolicy", "SlotsNet", "export_weights", "segments_of"]

FORBIDDEN = -1e8
"""Logit of an action that the mask forbids, as in sb3-contrib."""


def chain(inputs: int, widths: Sequence[int], outputs: int, activation: str = "tanh") -> nn.Sequential:
    """Return linear layers with an activation between them."""
    sizes = (inputs, *widths)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU() if activation == "relu" else nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


def start_orthogonal(net: nn.Sequential, last: float) -> None:
    """Set orthogonal weights and zero biases; gain sqrt(2), and `last` for the last layer, as PPO is started."""
    layers = [layer for layer in net if isinstance(layer, nn.Linear)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain=last if layer is layers[-1] else float(np.sqrt(2)))
        nn.init.zeros_(layer.bias)


class FlatNet(nn.Module):
    """One network from an observation to the logits of all actions.

    Args:
        observations, actions: their numbers.
        widths: of the hidden layers.
        activation: between layers, ``tanh`` or ``relu``.
    """

    def __init__(self, observations: int, actions: int, widths: Sequence[int], activation: str = "tanh") -> None:
        super().__init__()
        self.all = chain(observations, widths, actions, activation)
        start_orthogonal(self.all, 0.01)

    def forward(self, x: torch.Tensor, legal: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits, shape (n, actions), of all actions, whatever is legal."""
        return self.all(x)

    def parts(self) -> dict[str, nn.Sequential]:
        """Return the chains of layers by name."""
        return {"all": self.all}


class SlotsNet(nn.Module):
    """One small network for every slot, of the global numbers and the slot's own; another for the other actions.

    Args:
        shape: of observations and actions.
        widths: of the hidden layers of both.
        activation: between layers, ``tanh`` or ``relu``.
    """

    def __init__(self, shape: NetworkShape, widths: Sequence[int], activation: str = "tanh") -> None:
        super().__init__()
        self.shape = shape
        self.slot = chain(shape.globals_ + shape.features, widths, shape.choices, activation)
        self.other = chain(shape.globals_, widths, shape.others, activation) if shape.others else nn.Sequential()
        for net in (self.slot, self.other):
            if len(net):
                start_orthogonal(net, 0.01)
        # where actions do not come slot by slot: the action of each output, and the output of each action
        self.register_buffer("order", torch.from_numpy(shape.order), persistent=False)
        self.register_buffer("place", torch.from_numpy(np.argsort(shape.order)), persistent=False)

    def forward(self, x: torch.Tensor, legal: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits, shape (n, actions); slots without a legal action are left out, which saves most of the work.

        Args:
            x: observations.
            legal: legal actions, bool of shape (n, actions); all of them when None.
        """
        shape = self.shape
        told, slots = x[:, : shape.globals_], x[:, shape.globals_ :].reshape(-1, shape.features)
        first = self.slot[0]
        # The global numbers are the same for all slots: their share of the first layer is computed once.
        common = nn.functional.linear(told, first.weight[:, : shape.globals_], first.bias)
        rows = self._open(legal, len(x))
        own = nn.functional.linear(slots.index_select(0, rows), first.weight[:, shape.globals_ :])
        found = self.slot[1:](own + common.index_select(0, rows // shape.slots))
        logits = found.new_full((len(slots), shape.choices), FORBIDDEN).index_copy(0, rows, found)
        whole = logits.reshape(len(x), -1)
        whole = torch.cat([whole, self.other(told)], dim=1) if shape.others else whole
        return whole[:, self.place] if shape.blocks else whole

    def _open(self, legal: torch.Tensor | None, n: int) -> torch.Tensor:
        """Return the rows of slots that have a legal action."""
        shape = self.shape
        if legal is None:
            return torch.arange(n * shape.slots, device=self.order.device)
        ours = legal[:, self.order] if shape.blocks else legal
        ways = ours[:, : shape.slots * shape.choices].reshape(-1, shape.choices)
        return ways.any(dim=1).nonzero().flatten()

    def parts(self) -> dict[str, nn.Sequential]:
        """Return the chains of layers by name."""
        return {"slot": self.slot, "other": self.other} if len(self.other) else {"slot": self.slot}


class LearnedPolicy(MaskableActorCriticPolicy):
    """Policy and value network for both algorithms of Stable-Baselines3; without a mask, all actions are legal.

    An action is one choice, or one of each of several segments (``MultiDiscrete``), drawn independently; masks and
    logits of the segments lie one after the other.

    Args:
        observation_space, action_space: of the environments.
        lr_schedule: learning rate of the share of the training that remains.
        shape: of observations and actions for a `SlotsNet`; None for a `FlatNet`.
        widths: of the hidden layers of the policy.
        value_widths: of those of the value network.
        activation: between layers, ``tanh`` or ``relu``.
    """

    def __init__(
        self,
        observation_space: Any,
        action_space: Any,
        lr_schedule: Any,
        *,
        shape: NetworkShape | None,
        widths: Sequence[int],
        value_widths: Sequence[int],
        activation: str = "tanh",
        use_sde: bool = False,
    ) -> None:
        assert not use_sde, "state dependent exploration is for continuous actions"
        self._sizes = (shape, tuple(widths), tuple(value_widths), activation)
        super().__init__(observation_space, action_space, lr_schedule)

    def _build(self, lr_schedule: Any) -> None:
        shape, widths, value_widths, kind = self._sizes
        self.segments = segments_of(self.action_space)
        starts = np.cumsum((0, *self.segments[:-1]))
        self.register_buffer("_starts", torch.as_tensor(starts), persistent=False)
        observations, actions = int(self.observation_space.shape[0]), sum(self.segments)
        self.actor = SlotsNet(shape, widths, kind) if shape else FlatNet(observations, actions, widths, kind)
        self.critic = chain(observations, value_widths, 1, kind)
        start_orthogonal(self.critic, 1.0)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def log_probs(self, obs: torch.Tensor, masks: torch.Tensor | None) -> torch.Tensor:
        """Return the logarithms of the choices' probabilities, shape (n, choices); about -1e8 for illegal ones."""
        legal = None if masks is None else masks.reshape(len(obs), -1) > 0
        logits = self.actor(obs, legal)
        if legal is not None:
            logits = torch.where(legal, logits, torch.full_like(logits, FORBIDDEN))
        if len(self.segments) == 1:
            return torch.log_softmax(logits, dim=1)
        return torch.cat([torch.log_softmax(part, dim=1) for part in logits.split(self.segments, dim=1)], dim=1)

    def best(self, logs: torch.Tensor) -> torch.Tensor:
        """Return the choice of the largest value in each segment, shape (n, segments)."""
        return torch.stack([part.argmax(dim=1) for part in logs.split(self.segments, dim=1)], dim=1)

    def log_prob(self, logs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Return the log-probability of actions of shape (n, segments), shape (n,)."""
        return logs.gather(1, actions.reshape(len(logs), -1).long() + self._starts).sum(dim=1)

    def act(self, obs: torch.Tensor, masks: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return sampled actions, shape (n, segments), values and log-probabilities, shape (n,) each."""
        logs = self.log_probs(obs, masks)
        # the largest of logit + Gumbel noise is a sample of the softmax
        actions = self.best(logs - torch.empty_like(logs).exponential_().log())
        return actions, self.predict_values(obs).flatten(), self.log_prob(logs, actions)

    def evaluate_actions(
        self, obs: torch.Tensor, actions: torch.Tensor, action_masks: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values, log-probabilities of the actions, and entropies of the legal actions."""
        logs = self.log_probs(obs, action_masks)
        # illegal actions have probability 0 exactly, so that 0 x -1e8 adds nothing
        entropy = -(logs.exp() * logs).sum(dim=1)
        return self.predict_values(obs), self.log_prob(logs, actions), entropy

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:
        """Return values, shape (n, 1)."""
        return self.critic(obs)

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False, action_masks: Any = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return actions, values and log-probabilities; the likeliest actions when deterministic."""
        masks = None if action_masks is None else torch.as_tensor(np.asarray(action_masks), device=obs.device)
        logs = self.log_probs(obs, masks)
        actions = self.best(logs) if deterministic else self.act(obs, masks)[0]
        shaped = actions.reshape(-1, *self.action_space.shape)
        return shaped, self.predict_values(obs), self.log_prob(logs, actions)

    def _predict(self, observation: Any, deterministic: bool = False, action_masks: Any = None) -> torch.Tensor:
        return self.forward(observation, deterministic, action_masks)[0]


def segments_of(action_space: Any) -> tuple[int, ...]:
    """Return the number of choices of each part of an action: one part where actions are numbers."""
    return tuple(int(n) for n in getattr(action_space, "nvec", (getattr(action_space, "n", 0),)))


def export_weights(policy: LearnedPolicy) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the policy without its value network.

    The names are those of `wattq.schedulers.rl.network`: ``PART.weight0`` of shape (inputs, outputs), ``PART.bias0``,
    ``PART.weight1``, ...; part ``all`` of a `FlatNet`, parts ``slot`` and ``other`` of a `SlotsNet`.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for name, part in policy.actor.parts().items():
        layers = [layer for layer in part if isinstance(layer, nn.Linear)]
        for k, layer in enumerate(layers):
            found[f"{name}.weight{k}"] = np.ascontiguousarray(layer.weight.detach().cpu().numpy().T)
            found[f"{name}.bias{k}"] = layer.bias.detach().cpu().numpy().copy()
    return found
