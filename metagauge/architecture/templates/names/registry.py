"""All families that are recognised by the names of their tensors."""

from collections.abc import Callable, Mapping

from metagauge.architecture.templates.names.convnext import convnext_timm, convnext_torchvision
from metagauge.architecture.templates.names.densenet import densenet
from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.huggingface import image_model
from metagauge.architecture.templates.names.listed_layers import alexnet, squeezenet, vgg
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.names.mixer import mixer
from metagauge.architecture.templates.names.mobile import efficientnet, mobilenet_v2, mobilenet_v3
from metagauge.architecture.templates.names.mobile_timm import mobile_timm
from metagauge.architecture.templates.names.resnet import resnet
from metagauge.architecture.templates.names.swin import swin_timm, swin_torchvision
from metagauge.architecture.templates.names.told_apart import told_apart
from metagauge.architecture.templates.names.transformer_encoder import transformer_encoder
from metagauge.architecture.templates.names.vit import vit_timm, vit_torchvision
from metagauge.architecture.templates.recurrent.recurrent import recurrent
from metagauge.architecture.templates.vision.parts import Plan

Template = Callable[[Listing, Hints], Plan | str | None]
"""None where the names are others; text where they are these, and something stands against it."""

TEMPLATES: Mapping[str, Template] = {
    "a ResNet": resnet,
    "a ConvNeXt of timm": convnext_timm,
    "a ConvNeXt of torchvision": convnext_torchvision,
    "a vision transformer of timm": vit_timm,
    "a vision transformer of torchvision": vit_torchvision,
    "a Swin transformer of timm": swin_timm,
    "a Swin transformer of torchvision": swin_torchvision,
    "an MLP-Mixer of timm": mixer,
    "a DenseNet": densenet,
    "a VGG": vgg,
    "an AlexNet of torchvision": alexnet,
    "a SqueezeNet of torchvision": squeezenet,
    "a MobileNetV2 of torchvision": mobilenet_v2,
    "a MobileNetV3 of torchvision": mobilenet_v3,
    "an EfficientNet of torchvision": efficientnet,
    "an EfficientNet or MobileNet of timm": mobile_timm,
    "an image network of transformers": image_model,
    "torch's nn.TransformerEncoder": transformer_encoder,
    "a recurrent network of torch": recurrent,
    "a graph network or one of single cells": told_apart,
}
"""By what a message calls them."""
