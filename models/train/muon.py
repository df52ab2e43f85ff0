"""Muon (Jordan 2024): momentum whose update of each weight matrix is replaced by the nearest orthogonal one.

Every direction of a layer learns at the same rate, also those that the gradient hardly shows, which costs a few
matrix products a step and needs fewer steps. The update is scaled as Moonshot's report (2025) does, so that
AdamW's learning rate and weight decay fit both.
"""

import torch


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions and more; a convolution's filters are the rows of its matrix."""

    def __init__(self, params, lr, weight_decay, momentum=0.95):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(state["momentum"], group["momentum"]).flatten(1))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view(p.shape), alpha=-group["lr"] * 0.2 * max(update.shape) ** 0.5)


def orthogonal(matrix, steps=5):
    """About U V' of the matrix U S V', by Newton-Schulz iterations whose quintic is steep at zero (Jordan's)."""
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315) @ x
    return (x if wide else x.T).to(matrix.dtype)
