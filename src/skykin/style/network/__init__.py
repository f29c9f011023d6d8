"""The network: VGG19 and its weights."""
