"""How a running gateway is asked for something: a Unix socket, one line of JSON in, one out."""
