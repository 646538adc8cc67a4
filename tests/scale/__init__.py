"""What a fleet takes: the figures of docs/scale.md, a program each, and the model that goes on from them."""
