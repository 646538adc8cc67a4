"""A gateway as its users have it: installed in a Debian that a real systemd has booted."""
