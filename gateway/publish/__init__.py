"""The room that turns features into messages and brings them to the broker."""
