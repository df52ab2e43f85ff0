"""The student: a ResNet-18 with torchvision's names, and the heads it is trained through."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock, ResNet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEPTHS, WIDTH = (2, 2, 2, 2), 512


def backbone():
    """A ResNet-18 without classifier; every residual branch starts at zero."""
    net = ResNet(BasicBlock, list(DEPTHS), num_classes=1, zero_init_residual=True)
    net.fc = nn.Identity()
    return net.to(memory_format=torch.channels_last)


def normalize(x):
    """RGB of 0-255 (N x 3 x H x W) as the network wants it, channels last."""
    mean, std = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) * 255 for v in (MEAN, STD))
    return ((x.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def stages(net, x):
    """The maps after the stages of stride 8, 16 and 32, and the pooled embedding (N x 512)."""
    x = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(x)))))
    map8 = net.layer2(x)
    map16 = net.layer3(map8)
    map32 = net.layer4(map16)
    return map8, map16, map32, map32.mean((2, 3))


class Heads(nn.Module):
    """Linear maps from the student to the teacher; `feature`, on the axes, becomes the embedding."""

    def __init__(self, classes):
        super().__init__()
        self.feature = nn.Linear(WIDTH, 1280)
        self.map8 = nn.Conv2d(128, 48, 1)
        self.map16 = nn.Conv2d(256, 96, 1)
        self.map32 = nn.Conv2d(512, 192, 1)
        self.label = nn.Linear(WIDTH, max(classes, 1))


class Target(nn.Module):
    """What the student is asked for: the teacher's classifier and the statistics of its cache."""

    def __init__(self, teacher, sample, center, axes):
        super().__init__()
        self.register_buffer("class_weight", teacher.class_weight)
        self.register_buffer("class_bias", teacher.class_bias)
        self.register_buffer("center", center)
        self.register_buffer("axes", axes)
        self.register_buffer("power", ((sample["feature"] - center) @ axes).square().sum(1).mean())
        for name in ("map8", "map16", "map32"):
            value = sample[name].flatten(0, 2)
            self.register_buffer(f"{name}_mean", value.mean(0).view(1, -1, 1, 1))
            self.register_buffer(f"{name}_std", value.std(0).view(1, -1, 1, 1))

    def losses(self, heads, maps, embedding, truth, label):
        """The parts of the loss, each a mean over the batch.

        embedding: 1 - cosine and squared error to the teacher's feature on the axes of the embedding;
        feature: 1 - cosine to its whole centered feature; logits: KL to the teacher's classes, through
        its own classifier; map*: smooth L1 to the standardized maps, position by position;
        label: cross entropy over the folders' names, where a picture has one.
        """
        predicted = heads.feature(embedding).float()
        wanted = truth["feature"] - self.center
        near, goal = predicted @ self.axes, wanted @ self.axes
        error = (near - goal).square().sum(1).mean() / self.power
        parts = {"embedding": (1 - F.cosine_similarity(near, goal)).mean() + error}
        parts["feature"] = (1 - F.cosine_similarity(predicted, wanted)).mean()
        logits = F.linear(predicted + self.center, self.class_weight, self.class_bias)
        goal = F.linear(truth["feature"], self.class_weight, self.class_bias)
        parts["logits"] = F.kl_div(F.log_softmax(logits, 1), F.log_softmax(goal, 1), log_target=True, reduction="batchmean")
        for name, value in maps.items():
            goal = (truth[name] - getattr(self, f"{name}_mean")) / getattr(self, f"{name}_std")
            goal = F.interpolate(goal, value.shape[2:], mode="bilinear", antialias=True)
            parts[name] = F.smooth_l1_loss(getattr(heads, name)(value).float(), goal)
        known = label >= 0
        if known.any():
            parts["label"] = F.cross_entropy(heads.label(embedding[known]).float(), label[known], label_smoothing=0.1)
        return parts
