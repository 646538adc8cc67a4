"""What comes in: ports, framing, formats, and the readers that join them."""
